/**
 * The calls into the C library that have to do with the process itself: telling the service manager, reaping orphans.
 *
 * Deno offers neither. Linux with glibc, 64 bit; elsewhere, and without the permission, `openPosix` answers undefined.
 */
import { openCLibrary } from "./c_library.ts";

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "i32", "i32", "buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  waitid: { parameters: ["i32", "i32", "buffer", "i32"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
} as const;

const AF_UNIX = 1, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0o2000000, MSG_NOSIGNAL = 0x4000;
const P_ALL = 0, WNOHANG = 1, WEXITED = 4, WNOWAIT = 0x01000000;
/** Of siginfo_t, and where in it the process id lies on 64-bit systems. */
const infoBytes = 128, infoPidAt = 16;
/** Room for a path in sockaddr_un. */
const maxPathBytes = 107;

export interface Posix {
  /** Sends one datagram to a unix socket; a path that begins with `@` is an abstract one. Shape: whether it went. */
  sendDatagram(path: string, text: string): boolean;
  /**
   * Collects children that have ended and that nobody else waits for, so that they leave no zombies.
   *
   * Shape: how many. `awaited` are the children that the runtime itself waits for; their status is left alone, and
   * while one of those is waiting to be collected the others wait with it.
   */
  reapOrphans(awaited: ReadonlySet<number>): number;
}

export function openPosix(): Posix | undefined {
  const call = openCLibrary(symbols);
  if (call === undefined) return undefined;
  return {
    sendDatagram(path, text) {
      const name = new TextEncoder().encode(path);
      if (name.length === 0 || name.length > maxPathBytes) return false;
      const abstract = path.startsWith("@");
      if (abstract) name[0] = 0;
      // The length counts the zero at the end of a path; an abstract name has none.
      const address = new Uint8Array(2 + name.length + (abstract ? 0 : 1));
      new DataView(address.buffer).setUint16(0, AF_UNIX, true);
      address.set(name, 2);
      const fd = call.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      if (fd < 0) return false;
      const bytes = new TextEncoder().encode(text);
      const sent = call.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
      call.close(fd);
      return sent === bytes.length;
    },

    reapOrphans(awaited) {
      let reaped = 0;
      for (;;) {
        // First only a look: collecting the application here would take its exit code from the runtime.
        const info = new Uint8Array(infoBytes);
        if (call.waitid(P_ALL, 0, info, WNOHANG | WEXITED | WNOWAIT) !== 0) return reaped;
        const pid = new DataView(info.buffer).getInt32(infoPidAt, true);
        if (pid <= 0 || awaited.has(pid)) return reaped;
        if (call.waitpid(pid, null, WNOHANG) !== pid) return reaped;
        reaped++;
      }
    },
  };
}
