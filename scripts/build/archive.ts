/** Takes one program out of a wheel, and the appended program off an ELF file. Pure. */
import { inflateRawSync } from "node:zlib";

/**
 * The one file below `*.data/scripts/` of a wheel.
 *
 * Shape: a wheel is a zip file; sizes and places are read from its central directory.
 * Errors: no such file, or an archive that makes no sense.
 */
export function wheelScript(wheel: Uint8Array): Uint8Array {
  const view = new DataView(wheel.buffer, wheel.byteOffset, wheel.byteLength);
  let end = wheel.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("the wheel is no zip file: it has no central directory");
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== 0x02014b50) throw new Error("the wheel is damaged");
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(wheel.subarray(at + 46, at + 46 + nameLength));
    if (/\.data\/scripts\/[^/]+$/.test(name)) {
      const method = view.getUint16(at + 10, true);
      const packedSize = view.getUint32(at + 20, true);
      const local = view.getUint32(at + 42, true);
      const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const packed = wheel.subarray(from, from + packedSize);
      if (method === 0) return packed;
      if (method === 8) return inflateRawSync(packed);
      throw new Error(`the wheel packs ${name} by method ${method}, which is not known here`);
    }
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  throw new Error("the wheel holds no program");
}

/**
 * A 64-bit ELF file up to the end of its section table, without what was appended behind it.
 *
 * Errors: another kind of file, or one that ends before its section table.
 */
export function cutElf(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isElf64 = file.length >= 64 && view.getUint32(0) === 0x7f454c46 && file[4] === 2 &&
    file[5] === 1;
  if (!isElf64) throw new Error("the program is no 64-bit little-endian ELF file");
  const sections = Number(view.getBigUint64(0x28, true));
  const end = sections + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
  if (end > file.length) throw new Error("the ELF file is cut short");
  return file.subarray(0, end);
}

/** Lower-case hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
