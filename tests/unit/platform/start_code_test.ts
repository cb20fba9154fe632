/** Which of its mappings a process may let go of: unchanged ones of the program itself, and nothing else. */
import { assertEquals } from "@test/assert";
import { codeStretches } from "../../../lib/platform/start_code.ts";

const program = "/opt/mesher";

function mapping(line: string, anonymousKb = 0): string {
  return `${line}\nSize: 100 kB\nRss: 80 kB\nAnonymous: ${
    " ".repeat(8)
  }${anonymousKb} kB\nVmFlags: rd ex mr`;
}

const cases: readonly {
  readonly title: string;
  readonly smaps: readonly string[];
  readonly want: readonly (readonly [bigint, bigint])[];
}[] = [
  {
    title: "data that is read and code that runs",
    smaps: [
      mapping("10000-20000 r--p 00000000 fe:00 761897    /opt/mesher"),
      mapping("21000-40000 r-xp 00010000 fe:00 761897    /opt/mesher"),
    ],
    want: [[0x10000n, 0x20000n], [0x21000n, 0x40000n]],
  },
  {
    title: "nothing that was or can be written",
    smaps: [
      mapping("10000-20000 r--p 00000000 fe:00 761897    /opt/mesher"),
      mapping("20000-30000 rw-p 00010000 fe:00 761897    /opt/mesher"),
      mapping("30000-40000 r--p 00020000 fe:00 761897    /opt/mesher", 4),
      mapping("40000-50000 r-xp 00030000 fe:00 761897    /opt/mesher", 12),
    ],
    want: [[0x10000n, 0x20000n]],
  },
  {
    title: "nothing of other files, of no file, or of one that is named alike",
    smaps: [
      mapping("08000-09000 r-xp 00000000 fe:00 1    /lib/libc.so.6"),
      mapping("10000-20000 r--p 00000000 fe:00 761897    /opt/mesher"),
      mapping("20000-30000 r-xp 00000000 fe:00 7    /opt/mesher2"),
      mapping("30000-40000 r-xp 00000000 00:00 0 "),
      mapping("40000-50000 r-xp 00000000 00:00 0    [vdso]"),
    ],
    want: [[0x10000n, 0x20000n]],
  },
  {
    title: "nothing that the program mapped of itself later, far from where it was loaded",
    smaps: [
      mapping("10000-20000 r--p 00000000 fe:00 761897    /opt/mesher"),
      mapping("7f5100000000-7f5100200000 r-xp 00010000 fe:00 761897    /opt/mesher"),
    ],
    want: [[0x10000n, 0x20000n]],
  },
  {
    title: "nothing where the begin of the program is not seen",
    smaps: [mapping("7f5100000000-7f5100200000 r-xp 00010000 fe:00 761897    /opt/mesher")],
    want: [],
  },
  {
    title: "nothing where the system does not say what was written to",
    smaps: ["10000-20000 r--p 00000000 fe:00 761897    /opt/mesher\nRss: 80 kB"],
    want: [],
  },
];

for (const { title, smaps, want } of cases) {
  Deno.test(`code of the start that is let go of: ${title}`, () => {
    assertEquals(
      codeStretches(`${smaps.join("\n")}\n`, program).map(({ from, to }) => [from, to]),
      want,
    );
  });
}
