/** The latest failures: what happened, in plain words, and what to check. */
import { byId, h, Keyed, setAttribute, setText } from "./dom.js";
import { clock, count } from "./format.js";
import { groupFailures } from "./store.js";

const shownAtFirst = 6;

/** What is told of one failure. Shape: an element with `update(group)`. */
export function makeFailure({ newest }) {
  const times = h("span", { class: "tag num" });
  const when = h("span", { class: "num quiet" });
  const what = h("p", { class: "what" });
  const detail = h("p", { class: "quiet" });
  return {
    element: h(
      "li",
      { class: "failure" },
      h("p", { class: "line" }, when, h("code", {}, newest.code), times),
      h("h3", {}, newest.title),
      what,
      detail,
      h("p", { class: "check" }, h("b", {}, "Check: "), newest.check),
    ),
    update(group) {
      const { newest: failure, times: number, oldestAt } = group;
      const from = clock(oldestAt);
      const to = clock(failure.at);
      setText(when, from === to ? to : `${from} to ${to}`);
      setText(times, `${count(number)} times`);
      setAttribute(times, "hidden", number === 1);
      const endpoints = [...group.endpoints].filter((one) => one !== "");
      const at = endpoints.length === 0
        ? ""
        : endpoints.length <= 2
        ? ` at ${endpoints.join(", ")}`
        : ` at ${endpoints.length} endpoints`;
      const who = failure.role === "inbound" ? "A call from elsewhere" : "A call";
      const whom = failure.service === "" ? "" : ` to ${failure.service}`;
      const tries = failure.attempts > 1 ? ` after ${failure.attempts} attempts` : "";
      setText(what, `${who}${whom}${at} was answered with ${failure.status}${tries}.`);
      setText(detail, `${failure.method} ${failure.target}: ${failure.detail}`);
    },
  };
}

/** Shape: `show(store)`. */
export function makeFailures({ changed }) {
  const list = h("ol", { class: "failures" });
  const groups = new Keyed(list, makeFailure);
  const nothing = h("p", { class: "empty" });
  let all = false;
  const more = h("button", {
    type: "button",
    onclick: () => {
      all = !all;
      changed();
    },
  });
  byId("failure-list").append(list, nothing, more);
  return {
    show(store) {
      const grouped = groupFailures(store.failures);
      const shown = all ? grouped : grouped.slice(0, shownAtFirst);
      groups.show(shown, ({ oldestSequence }) => oldestSequence);
      setAttribute(list, "hidden", shown.length === 0);
      setAttribute(nothing, "hidden", shown.length > 0);
      const since = store.state?.status.startedAt;
      setText(
        nothing,
        since === undefined
          ? ""
          : `No call has failed in this sidecar since ${clock(since)}. Calls that succeeded at ` +
            `another endpoint count as good.`,
      );
      setAttribute(more, "hidden", grouped.length <= shownAtFirst);
      setText(more, all ? "Show fewer" : `Show all ${grouped.length}`);
      setText(
        byId("failures-note"),
        store.dropped > 0 ? `${count(store.dropped)} more came too fast to be listed` : "",
      );
    },
  };
}
