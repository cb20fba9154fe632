/**
 * Lets go of the program's code that only its start has run.
 *
 * The runtime brings a compiler, a bundler and much else, and what of it has run once counts as resident memory for
 * good. It lies unchanged in the file, so that it can be let go of at any time: what runs again is taken from the
 * system's copy of the file, in about a microsecond for 16 pages.
 */
import { openCLibrary } from "./c_library.ts";

/** Addresses that the file of the program is mapped to, and that nothing was written to. */
export interface CodeStretch {
  readonly from: bigint;
  readonly to: bigint;
}

const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \S+ +(.*)$/;

/**
 * Shape: pure; takes the text of /proc/PID/smaps and the path of the program. Only of the run of mappings that the
 * program was loaded to: they stay as long as the process does.
 */
export function codeStretches(smaps: string, program: string): readonly CodeStretch[] {
  const stretches: CodeStretch[] = [];
  let end: bigint | undefined;
  for (const block of smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const found = head.exec(block.split("\n", 1)[0]!);
    if (found === null || found[5] !== program) continue;
    const [from, to] = [BigInt(`0x${found[1]}`), BigInt(`0x${found[2]}`)];
    const begins = end === undefined && Number(`0x${found[4]}`) === 0;
    // Segments of a program lie close together; what it maps of itself later lies elsewhere.
    if (!begins && (end === undefined || from - end > maxGap)) continue;
    end = to;
    if (found[3]![1] === "-" && /^Anonymous: +0 kB$/m.test(block)) stretches.push({ from, to });
  }
  return stretches;
}

/** Between two segments. Units: bytes. */
const maxGap = 16n * 1024n * 1024n;
const MADV_DONTNEED = 4, O_CLOEXEC = 0o2000000;
const pathBytes = 4096;

/** What the system lists of a process is closed to Deno without every permission, so the C library is asked. */
const symbols = {
  madvise: { parameters: ["u64", "usize", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
} as const;

type Calls = NonNullable<ReturnType<typeof openCLibrary<typeof symbols>>>;

/**
 * Cost: some milliseconds, once. Shape: does nothing where the system is another or keeps to itself how memory is used.
 */
export function letGoOfStartCode(): void {
  const calls = openCLibrary(symbols);
  if (calls === undefined) return;
  const name = new Uint8Array(pathBytes);
  const length = Number(calls.readlink(path("/proc/self/exe"), name, BigInt(name.length)));
  if (length <= 0) return;
  const program = new TextDecoder().decode(name.subarray(0, length));
  for (const { from, to } of codeStretches(textOf("/proc/self/smaps", calls), program)) {
    calls.madvise(from, to - from, MADV_DONTNEED);
  }
}

/** Shape: empty when the file cannot be read. */
function textOf(file: string, calls: Calls): string {
  const fd = calls.open(path(file), O_CLOEXEC);
  if (fd < 0) return "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (;;) {
    const count = Number(calls.read(fd, buffer, BigInt(buffer.length)));
    if (count <= 0) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  calls.close(fd);
  return text;
}

function path(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
