/** Numbers, times and states as people read them. */

/** A rate: `0/s`, `0.4/s`, `12.3/s`, `1,240/s`, `20k/s`. */
export function rate(perSecond) {
  if (perSecond < 0.05) return "0/s";
  if (perSecond < 100) return `${perSecond.toFixed(1)}/s`;
  return perSecond < 9999.5 ? `${count(perSecond)}/s` : `${short(perSecond)}/s`;
}

export function count(number) {
  return Math.round(number).toLocaleString("en");
}

/** A share: `0 %`, `<0.1 %`, `2.5 %`, `40 %`. */
export function share(value) {
  const percent = value * 100;
  if (percent === 0) return "0 %";
  if (percent < 0.1) return "<0.1 %";
  return `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** A time that something takes: `0.42 ms`, `12 ms`, `1.5 s`; a dash where none is known. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** A value beside an axis: as few signs as say it. */
export function short(number) {
  if (number >= 10_000) return `${Number((number / 1000).toPrecision(3))}k`;
  return String(Number(number.toPrecision(3)));
}

/** How long ago: `12 s`, `3 min`, `2 h`, `5 d`. */
export function age(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** The time of day, with seconds. */
export function clock(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1 endpoint`, `3 endpoints`. */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Every state of an endpoint, from the best to the worst, with its word and what it means. */
export const states = {
  healthy: { word: "healthy", tone: "good", means: "it is called" },
  warming: { word: "warming up", tone: "good", means: "it is new and gets its share step by step" },
  unknown: { word: "not watched", tone: "quiet", means: "nothing is known of its state" },
  draining: {
    word: "shutting down",
    tone: "quiet",
    means: "its own sidecar said so; it gets no new calls",
  },
  probation: { word: "on trial", tone: "warn", means: "one call decides whether it is back" },
  ejected: {
    word: "left out",
    tone: "bad",
    means: "it failed too often and gets no calls for now",
  },
  unreachable: {
    word: "unreachable",
    tone: "bad",
    means: "it takes no connection; it is tried again and again",
  },
};

/** Why an endpoint is not called; empty where there is nothing to say. */
export const reasons = {
  none: "",
  consecutive_failures: "failed several times in a row",
  success_rate: "fails clearly more often than the others",
  connect_refused: "refuses connections",
  connect_timeout: "does not answer connections",
  failed_probation: "failed on trial",
  draining: "said that it shuts down",
};

export function stateWord(state, reason) {
  const word = states[state]?.word ?? state;
  const why = reasons[reason] ?? reason;
  return why ? `${word}: ${why}` : word;
}

/** How a service as a whole is doing. Shape: `tone` is good, warn, bad or quiet. */
export function serviceState({ states: counts, figures }) {
  const total = Object.values(counts).reduce((sum, number) => sum + number, 0);
  const called = ["healthy", "warming", "probation", "unknown"]
    .reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  const out = total - called - (counts.draining ?? 0);
  if (total === 0) return { tone: "bad", word: "no endpoint" };
  if (called === 0) return { tone: "bad", word: "no endpoint can be called" };
  if (out > 0) return { tone: "warn", word: `${out} of ${plural(total, "endpoint")} left out` };
  if ((figures?.[2] ?? 0) >= 0.01) return { tone: "warn", word: "calls fail" };
  return { tone: "good", word: "all well" };
}
