/** Asks the sidecar: with the token, once or as a stream that comes back by itself. */

const tokenKey = "mesher.token";
/** A stream that is silent for so long is held to be dead. */
const silenceMs = 40_000;
const firstDelayMs = 500;
const maxDelayMs = 8000;

export class TokenNeeded extends Error {}

export function storedToken() {
  return sessionStorage.getItem(tokenKey) ?? undefined;
}

export function storeToken(token) {
  if (token === undefined) sessionStorage.removeItem(tokenKey);
  else sessionStorage.setItem(tokenKey, token);
}

function request(path, options = {}) {
  const token = storedToken();
  return fetch(path, {
    ...options,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    cache: "no-store",
  });
}

/** Errors: TokenNeeded, or one that says what the sidecar said. */
export async function ask(path, signal) {
  const response = await request(path, { signal });
  if (response.status === 401) throw new TokenNeeded();
  if (!response.ok) throw new Error(await problemText(response));
  return await response.json();
}

async function problemText(response) {
  try {
    const { title, detail } = await response.json();
    return detail === undefined ? title : `${title}: ${detail}`;
  } catch {
    return `the sidecar answered ${response.status}`;
  }
}

/**
 * Follows the event stream until the signal aborts, and begins again when it breaks.
 *
 * Shape: `opened()` before the first event of each stream, `event(name, data)`, `lost(why)`, and
 * `tokenNeeded()`, which resolves when there may be one.
 */
export async function follow({ opened, event, lost, tokenNeeded }, signal) {
  let delayMs = firstDelayMs;
  while (!signal.aborted) {
    try {
      await once({
        opened() {
          delayMs = firstDelayMs;
          opened();
        },
        event,
      }, signal);
      if (!signal.aborted) lost("the sidecar has ended the stream");
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TokenNeeded) {
        await tokenNeeded();
        continue;
      }
      lost(error instanceof TypeError ? "it cannot be reached" : error.message);
    }
    await pause(delayMs, signal);
    delayMs = Math.min(maxDelayMs, delayMs * 2);
  }
}

async function once({ opened, event }, signal) {
  const silence = new AbortController();
  const stop = () => silence.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, silenceMs);
  try {
    const response = await request("events", { signal: silence.signal });
    if (response.status === 401) throw new TokenNeeded();
    if (!response.ok) throw new Error(await problemText(response));
    opened();
    let rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, silenceMs);
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const parsed = parseEvent(part);
        if (parsed !== undefined) event(parsed.name, parsed.data);
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    silence.abort();
  }
}

/** One block of the stream. Shape: undefined for a comment. */
export function parseEvent(block) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  return data === "" ? undefined : { name, data: JSON.parse(data) };
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
