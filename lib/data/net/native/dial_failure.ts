/** What a connection that could not be made is to the rest of the engine. */
import type { Address } from "../../../core/address.ts";
import { formatAddress } from "../../../core/address.ts";
import { MeshError } from "../../../core/errors.ts";
import { errno } from "../../../plane/linux.ts";
import { noDescriptors } from "../descriptors.ts";

/** An address that the kernel cannot be given. */
export function notDialable(cause: unknown, address: Address): MeshError {
  const endpoint = formatAddress(address);
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new MeshError("connect_refused", `${endpoint} cannot be dialled: ${detail}`, {
    endpoint,
    cause,
  });
}

/** A connection that could not be made, by the system's error number. */
export function dialFailure(code: number, address: Address): MeshError {
  const endpoint = formatAddress(address);
  switch (code) {
    case errno.ETIMEDOUT:
      return new MeshError("connect_timeout", `${endpoint} did not accept a connection in time`, {
        endpoint,
      });
    case errno.EHOSTUNREACH:
    case errno.ENETUNREACH:
      return new MeshError("connect_refused", `there is no route to ${endpoint}`, { endpoint });
    case errno.EMFILE:
    case errno.ENFILE:
      return new MeshError("concurrency_limit", noDescriptors, { endpoint });
    case errno.ECONNREFUSED:
      return new MeshError("connect_refused", `${endpoint} refused the connection`, { endpoint });
    default:
      return new MeshError(
        "connect_refused",
        `no connection to ${endpoint}: system error ${code}`,
        {
          endpoint,
        },
      );
  }
}
