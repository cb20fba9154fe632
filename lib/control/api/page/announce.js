/** Says aloud what matters, for those who hear the page: changes of health, never figures. */
import { byId } from "./dom.js";
import { plural, serviceState } from "./format.js";

/** Changes within this time are said together. Units: milliseconds. */
const gatherMs = 4000;
const most = 3;

/** Shape: `look(store, link)` compares with what was said last. */
export function makeAnnouncer() {
  const said = new Map();
  let waiting = new Map();
  let timer;

  function note(key, value, words) {
    const before = said.get(key);
    said.set(key, value);
    // What the page begins with is read, not announced.
    if (before === undefined || before === value) return;
    waiting.set(key, words);
    timer ??= setTimeout(speak, gatherMs);
  }

  function speak() {
    timer = undefined;
    const words = [...waiting.values()];
    waiting = new Map();
    const rest = words.length - most;
    const text = words.slice(0, most).join(". ") +
      (rest > 0 ? `. And ${plural(rest, "more change")}` : "");
    byId("announcer").textContent = `${text}.`;
  }

  return {
    look({ state, services }, link) {
      note(
        "link",
        link.kind === "lost",
        link.kind === "lost" ? "No answer from this sidecar" : "The page is live again",
      );
      if (link.kind === "lost" || state === undefined) return;
      const { status, readiness } = state;
      note("ready", readiness.ready, readiness.ready ? "Ready" : "Not ready");
      note(
        "registry",
        status.registry.reachable === true,
        status.registry.reachable === true
          ? "The registry answers"
          : "The registry does not answer",
      );
      for (const service of services.values()) {
        const { tone, word } = serviceState({ ...service, figures: undefined });
        note(`service ${service.service}`, `${tone} ${word}`, `${service.service}: ${word}`);
      }
    },
  };
}
