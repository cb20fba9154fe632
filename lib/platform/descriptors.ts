/**
 * What the C library tells of the own process: descriptors open and allowed, processor time.
 *
 * The folder of the system that lists descriptors is closed to Deno without every permission, so the C library is asked. Linux
 * with glibc, 64 bit; elsewhere, and without the permission, the answers are undefined.
 */
import { openCLibrary } from "./c_library.ts";

const symbols = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  clock: { parameters: [], result: "i64" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

const O_DIRECTORY_X64 = 0o200000, O_DIRECTORY_ARM64 = 0o40000, O_CLOEXEC = 0o2000000;
const RLIMIT_NOFILE = 7;
/** Fixed by POSIX, whatever the system's own resolution is. */
const clocksPerSecond = 1e6;
/** Of struct dirent64: where the length of the record and the name lie. */
const recordLengthAt = 16, nameAt = 19;
const DIGIT_0 = 48, DIGIT_9 = 57;
const listing = new TextEncoder().encode("/proc/self/fd\0");

export interface Descriptors {
  open(): number | undefined;
  most(): number | undefined;
  /** Of all threads, since the start. */
  cpuSeconds(): number | undefined;
}

export function openDescriptors(): Descriptors {
  const call = openCLibrary(symbols);
  if (call === undefined) {
    return { open: () => undefined, most: () => undefined, cpuSeconds: () => undefined };
  }
  const directory = Deno.build.arch === "aarch64" ? O_DIRECTORY_ARM64 : O_DIRECTORY_X64;
  return {
    open() {
      const fd = call.open(listing, directory | O_CLOEXEC);
      if (fd < 0) return undefined;
      const buffer = new Uint8Array(32 * 1024);
      const view = new DataView(buffer.buffer);
      let count = 0;
      for (;;) {
        const bytes = Number(call.getdents64(fd, buffer, BigInt(buffer.length)));
        if (bytes <= 0) break;
        for (let at = 0; at < bytes; at += view.getUint16(at + recordLengthAt, true)) {
          const first = buffer[at + nameAt]!;
          if (first >= DIGIT_0 && first <= DIGIT_9) count++;
        }
      }
      call.close(fd);
      // One of them was that of the folder.
      return count - 1;
    },

    cpuSeconds() {
      return Number(call.clock()) / clocksPerSecond;
    },

    most() {
      const limits = new BigUint64Array(2);
      if (call.getrlimit(RLIMIT_NOFILE, limits) !== 0) return undefined;
      const [soft] = limits;
      // The largest number stands for no limit.
      return soft === undefined || soft > 1n << 62n ? undefined : Number(soft);
    },
  };
}
