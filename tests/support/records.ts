/** Records of requests, as a data thread would send them, for tests of what is made of them. */
import type { AttemptRecord, RequestRecord } from "../../lib/plane/observe.ts";

export const traceId = "0af7651916cd43dd8448eb211c80319c";
export const spanId = "b7ad6b7169203331";
export const callerSpanId = "00f067aa0ba902b7";

/** An attempt that went well. */
export function attempt(parts: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    endpoint: "10.0.0.7:8080",
    startMs: 1,
    firstByteMs: 4.5,
    endMs: 5,
    status: 200,
    spanId: "1111111111111111",
    ...parts,
  };
}

/** A call of StoreWeb to AccountService that went well at once. */
export function record(parts: Partial<RequestRecord> = {}): RequestRecord {
  return {
    at: 1_700_000_000_000.25,
    role: "outbound",
    method: "GET",
    path: "/accounts/7",
    authority: "AccountService:8080",
    service: "AccountService",
    caller: "StoreWeb",
    client: "127.0.0.1:40312",
    status: 200,
    requestBytes: 0,
    responseBytes: 42,
    durationMs: 6,
    firstByteMs: 4.7,
    ownMs: 0.25,
    attempts: [attempt()],
    trace: { traceId, spanId, parentId: callerSpanId },
    logged: true,
    taps: [],
    ...parts,
  };
}

/** The same without some members. */
export function without<Name extends keyof RequestRecord>(
  from: RequestRecord,
  ...names: readonly Name[]
): RequestRecord {
  return Object.fromEntries(
    Object.entries(from).filter(([name]) => !names.includes(name as Name)),
  ) as unknown as RequestRecord;
}
