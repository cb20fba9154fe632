/** The side panel: one service with its history, its endpoints with theirs, its failures. */
import { makeCharts, makeMinutes } from "./charts.js";
import { byId, h, Keyed, setAttribute, setText } from "./dom.js";
import { makeEndpointPart } from "./endpoint.js";
import { makeFailure } from "./failures.js";
import { age, plural, serviceState } from "./format.js";
import { setTone, toneMark } from "./marks.js";
import { appendColumns, groupFailures, noColumns } from "./store.js";
import { ask } from "./stream.js";

const refreshMs = 2000;
const shownEndpoints = 30;
const shownFailures = 4;
const troubleFirst = [
  "unreachable",
  "ejected",
  "probation",
  "draining",
  "warming",
  "unknown",
  "healthy",
];

/** Shape: `open(service, address)`; `closed()` is told when a person closes it; `tick(store)` draws. */
export function makePanel({ closed }) {
  const dialog = byId("panel");
  let shown;

  dialog.addEventListener("close", () => {
    shown?.stop.abort();
    shown = undefined;
    closed();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  return {
    get service() {
      return shown?.name;
    },
    open(name, address) {
      if (shown?.name !== name) {
        shown?.stop.abort();
        shown = makeService(name, () => dialog.close());
        dialog.replaceChildren(shown.element);
      }
      if (!dialog.open) dialog.showModal();
      shown.point(address);
    },
    close() {
      if (dialog.open) dialog.close();
    },
    tick(store) {
      shown?.tick(store);
    },
  };
}

function makeService(name, close) {
  const stop = new AbortController();
  const drawing = toneMark("quiet");
  const word = h("span", { class: "quiet" });
  const about = h("p", { class: "quiet" });
  const wrong = h("p", { class: "notice warn", role: "status", hidden: true });
  const charts = makeCharts();
  const title = h("h3", {}, "The last minutes");
  const details = h("details", { class: "numbers" }, h("summary", {}, "The same as a table"));
  const minutes = makeMinutes(details, `${name} by the minute`);
  const note = h("p", { class: "quiet" });
  const list = h("ul", { class: "parts" });
  const endpoints = new Keyed(list, makeEndpointPart);
  let all = false;
  const more = h("button", {
    type: "button",
    hidden: true,
    onclick: () => {
      all = true;
      draw();
    },
  });
  const unusable = h("ul", { class: "plain" });
  const unusablePart = h("section", { hidden: true }, h("h3", {}, "Cannot be called"), unusable);
  const failureList = h("ol", { class: "failures" });
  const failures = new Keyed(failureList, makeFailure);
  const noFailure = h("p", { class: "empty" }, "None in what this page remembers.");
  const element = h(
    "div",
    { class: "inner" },
    h(
      "div",
      { class: "head" },
      h(
        "h2",
        { id: "panel-title", tabindex: "-1", autofocus: true },
        drawing,
        name,
      ),
      h("button", { type: "button", class: "close", onclick: close }, "Close"),
    ),
    h("p", { class: "line" }, word),
    about,
    wrong,
    h(
      "section",
      {},
      title,
      note,
      h("div", { class: "charts" }, ...charts.elements),
      details,
    ),
    h("section", {}, h("h3", {}, "Endpoints"), list, more),
    unusablePart,
    h("section", {}, h("h3", {}, "Latest failures"), failureList, noFailure),
  );

  const columns = noColumns();
  let detail;
  let wanted;
  let latest;

  async function refresh() {
    try {
      const since = columns.at[columns.at.length - 1];
      const [told, history] = await Promise.all([
        ask(`services/${encodeURIComponent(name)}`, stop.signal),
        ask(
          `history?service=${encodeURIComponent(name)}` +
            (since === undefined ? "" : `&since=${since}`),
          stop.signal,
        ),
      ]);
      detail = told;
      appendColumns(columns, history.columns);
      setText(
        note,
        history.aggregated
          ? "So many services are called that this one is not kept by itself: these are the " +
            "figures of all beyond the first 500."
          : "",
      );
      setAttribute(wrong, "hidden", true);
    } catch (error) {
      if (stop.signal.aborted) return;
      setText(wrong, error.message || "This sidecar does not answer.");
      setAttribute(wrong, "hidden", false);
    }
    draw();
  }

  async function run() {
    while (!stop.signal.aborted) {
      await refresh();
      await new Promise((resolve) => setTimeout(resolve, refreshMs));
    }
  }

  function draw() {
    if (latest !== undefined) {
      const endAt = Date.now() + latest.skewMs;
      charts.show(columns, { bucketMs: latest.bucketMs, endAt });
      setText(title, charts.title(columns, endAt));
      minutes.show(columns);
      const own = groupFailures(latest.failures.filter((one) => one.service === name));
      failures.show(own.slice(0, shownFailures), ({ oldestSequence }) => oldestSequence);
      setAttribute(noFailure, "hidden", own.length > 0);
    }
    if (detail === undefined) return;
    drawService();
    const sorted = [...detail.endpoints].sort((a, b) =>
      troubleFirst.indexOf(a.state) - troubleFirst.indexOf(b.state)
    );
    const some = all ? sorted : sorted.slice(0, shownEndpoints);
    endpoints.show(some, keyOf);
    setAttribute(more, "hidden", some.length === sorted.length);
    setText(more, `Show all ${sorted.length}`);
    pointAt();
  }

  function drawService() {
    const counts = {};
    for (const { state } of detail.endpoints) counts[state] = (counts[state] ?? 0) + 1;
    const state = serviceState({
      states: counts,
      figures: [0, 0, detail.recent?.failedShare ?? 0],
    });
    setTone(drawing, state.tone);
    setText(word, state.word);
    const from = detail.source === "disk" ? "Known from disk" : "Known from the registry";
    const kept = `${from}, confirmed ${age(detail.ageMs)} ago; ${
      plural(detail.instances, "instance")
    } registered.`;
    setText(about, detail.lastError === undefined ? kept : `${kept} Last: ${detail.lastError}`);
    setAttribute(unusablePart, "hidden", detail.unusable.length === 0);
    if (unusable.childElementCount !== detail.unusable.length) {
      unusable.replaceChildren(...detail.unusable.map((text) => h("li", {}, text)));
    }
  }

  function pointAt() {
    if (wanted === undefined) return;
    const part = endpoints.get(wanted);
    if (part === undefined) return;
    wanted = undefined;
    const toggle = part.querySelector("summary");
    part.querySelector("details").open = true;
    toggle.focus();
    toggle.scrollIntoView({ block: "center" });
  }

  void run();
  return {
    name,
    element,
    stop,
    point(address) {
      wanted = address;
      pointAt();
    },
    tick(store) {
      latest = store;
      draw();
    },
  };
}

function keyOf({ host, port }) {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
