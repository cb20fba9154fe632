/** Numbers of the Linux kernel's interface that more than one file has to know. */

/** Error numbers of Linux that decisions are made on. */
export const errno = {
  EINTR: 4,
  EAGAIN: 11,
  ENFILE: 23,
  EMFILE: 24,
  EPIPE: 32,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  EACCES: 13,
  ENOBUFS: 105,
  ENOMEM: 12,
} as const;

export const epollEvent = {
  IN: 0x1,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  RDHUP: 0x2000,
  EXCLUSIVE: 0x10000000,
  ET: 0x80000000,
} as const;

/** Where one entry of epoll_wait's answer lies: the kernel packs it on x86-64 only. */
export const epollLayout = Deno.build.arch === "x86_64"
  ? { size: 12, data: 4 }
  : { size: 16, data: 8 };

/** One answer of epoll_wait, read entry by entry. */
export class EpollEvents {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly capacity: number;
  readonly #view: DataView;

  constructor(capacity: number) {
    checkInt(capacity, 1, 65536, "a number of events");
    this.capacity = capacity;
    this.bytes = new Uint8Array(capacity * epollLayout.size);
    this.#view = new DataView(this.bytes.buffer);
  }

  events(index: number): number {
    return this.#view.getUint32(index * epollLayout.size, true);
  }

  fd(index: number): number {
    return this.#view.getInt32(index * epollLayout.size + epollLayout.data, true);
  }

  generation(index: number): number {
    return this.#view.getInt32(index * epollLayout.size + epollLayout.data + 4, true);
  }
}

/** The system's words for an error number of `listenTcp`. */
export function listenProblem(code: number): string {
  switch (-code) {
    case errno.EADDRINUSE:
      return "the address is in use by another program";
    case errno.EADDRNOTAVAIL:
      return "the address is not one of this host";
    case errno.EACCES:
      return "not permitted (ports below 1024 need a privilege)";
    case errno.EMFILE:
    case errno.ENFILE:
      return "no file descriptors are left";
    default:
      return `system error ${-code}`;
  }
}

/** Errors: RangeError for anything but a whole number within the bounds. */
export function checkInt(value: number, min: number, max: number, what: string): void {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw new RangeError(`${value} is not ${what}`);
  }
}
