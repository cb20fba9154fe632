/** One endpoint in the panel: its figures, and unfolded its history. */
import { h, s, setAttribute, setText } from "./dom.js";
import { age, clock, count, duration, plural, rate, states, stateWord } from "./format.js";
import { mark, setMark } from "./marks.js";

const barsWidth = 300;
const barsHeight = 36;

/** Shape: an element with `update(endpoint)`, keyed by its address. */
export function makeEndpointPart({ host, port }) {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const drawing = mark("unknown");
  const word = h("span", { class: "word" });
  const figures = h("span", { class: "quiet num" });
  const about = h("p", { class: "quiet" });
  const bars = s("svg", {
    class: "bars",
    role: "img",
    viewBox: `0 0 ${barsWidth} ${barsHeight}`,
    preserveAspectRatio: "none",
  });
  const events = h("ol", { class: "plain events" });
  const details = h(
    "details",
    {},
    h(
      "summary",
      {},
      h("span", { class: "line" }, drawing, h("b", { class: "address" }, address), word),
      figures,
    ),
    h(
      "div",
      { class: "inside" },
      about,
      h("h4", {}, "Calls by the minute"),
      bars,
      h("h4", {}, "Changes of its state"),
      events,
    ),
  );
  let latest;
  const unfold = () => {
    if (!details.open || latest === undefined) return;
    setText(about, aboutWords(latest));
    drawBars(bars, latest.history.minutes);
    showEvents(events, latest.history.events);
  };
  details.addEventListener("toggle", unfold);
  return {
    element: h("li", {}, details),
    update(endpoint) {
      latest = endpoint;
      setMark(drawing, endpoint.state);
      setText(word, wordsOf(endpoint));
      setAttribute(word, "class", `word ${states[endpoint.state]?.tone ?? "quiet"}`);
      setText(figures, figuresOf(endpoint));
      unfold();
    },
  };
}

function aboutWords({ instanceId, version, mesher, region, zone, attempts, failures, ejections }) {
  const peer = mesher ? ", a mesher sidecar" : "";
  const place = [region, zone].filter((text) => text).join("/");
  return `Instance ${instanceId}, version ${version}${peer}${
    place === "" ? "" : `, in ${place}`
  }. ` +
    `${plural(attempts, "call")}, ${count(failures)} failed, left out ${
      plural(ejections, "time")
    }.`;
}

function wordsOf({ state, reason, threads, endsInMs }) {
  const words = [stateWord(state, reason)];
  if (threads.agreeing < threads.all && states[state]?.tone !== "good") {
    words.push(`in ${threads.agreeing} of ${threads.all} threads`);
  }
  if (endsInMs !== undefined) words.push(`tried again in ${age(endsInMs)}`);
  return words.join(", ");
}

function figuresOf({ perSecond, latencyMs, open }) {
  const parts = [rate(perSecond)];
  if (latencyMs !== undefined) parts.push(duration(latencyMs));
  if (open > 0) parts.push(`${open} open`);
  return parts.join(" · ");
}

/** Attempts of each minute as bars, with the failed ones at their foot. */
function drawBars(bars, minutes) {
  const most = Math.max(1, ...minutes.map(({ attempts }) => attempts));
  const width = barsWidth / minutes.length;
  bars.replaceChildren(...minutes.flatMap(({ attempts, failures }, index) => {
    const bar = (value, name) => {
      const height = value === 0 ? 0 : Math.max(1.5, value / most * barsHeight);
      return s("rect", {
        class: name,
        x: index * width + 1,
        y: barsHeight - height,
        width: width - 2,
        height,
      });
    };
    return [bar(attempts, "calm"), bar(Math.min(failures, attempts), "hot")];
  }));
  const sum = (name) => minutes.reduce((all, one) => all + one[name], 0);
  setAttribute(
    bars,
    "aria-label",
    `In the last 15 minutes ${plural(sum("attempts"), "call")}, ${
      count(sum("failures"))
    } failed; ` +
      `at most ${count(most)} in a minute.`,
  );
}

function showEvents(list, events) {
  const newest = events[events.length - 1];
  const stamp = `${events.length} ${newest?.at}`;
  if (list.dataset.stamp === stamp) return;
  list.dataset.stamp = stamp;
  list.replaceChildren(
    ...[...events].reverse().map(({ at, state, reason }, index) => {
      const first = index === events.length - 1;
      return h(
        "li",
        { class: "line" },
        h("span", { class: "num quiet" }, clock(at)),
        mark(state),
        h("span", {}, first ? `first seen, ${stateWord(state, reason)}` : stateWord(state, reason)),
      );
    }),
  );
}
