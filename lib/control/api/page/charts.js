/** The three charts of one scope, and the same numbers as a table. */
import { makeChart } from "./chart.js";
import { h, setText } from "./dom.js";
import { clock, count, duration, rate, share, short } from "./format.js";
import { byMinute, spanOf } from "./scale.js";

/** Makes requests, latency and failures side by side. Shape: `show(columns, { bucketMs, endAt })`. */
export function makeCharts() {
  let seconds = 5;
  const perSecond = (name) => (columns, index) =>
    columns[name][index] === null ? null : columns[name][index] / seconds;
  const plain = (name) => (columns, index) => columns[name][index];
  const charts = [
    makeChart({
      title: "Calls",
      format: rate,
      axis: (value) => `${short(value)}/s`,
      smallest: 1,
      lines: [
        { name: "all", style: "calm", area: true, value: perSecond("requests") },
        { name: "failed", style: "hot", bumps: true, value: perSecond("failed") },
      ],
    }),
    makeChart({
      title: "Time to answer",
      format: duration,
      axis: (value) => value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`,
      lines: [
        { name: "p50", style: "p50", value: plain("p50Ms") },
        { name: "p95", style: "p95", value: plain("p95Ms") },
        { name: "p99", style: "p99", value: plain("p99Ms") },
      ],
    }),
    makeChart({
      title: "Failed",
      format: share,
      axis: (value) => `${short(value * 100)} %`,
      smallest: 0.01,
      lines: [{
        name: "share of calls",
        style: "hot",
        area: true,
        bumps: true,
        value: ({ requests, failed }, index) =>
          !requests[index] ? null : Math.min(1, failed[index] / requests[index]),
      }],
    }),
  ];
  return {
    elements: charts.map(({ element }) => element),
    title(columns, endAt) {
      return `The last ${spanOf(columns, endAt)} minutes`;
    },
    show(columns, { bucketMs, endAt }) {
      seconds = bucketMs / 1000;
      for (const chart of charts) chart.show(columns, endAt);
    },
  };
}

const headings = ["Minute", "Calls", "Failed", "p50", "p95", "p99"];

/** The same numbers by the minute. Shape: nothing is drawn while its details are closed. */
export function makeMinutes(details, caption) {
  const body = h("tbody");
  details.append(h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, ...headings.map((text) => h("th", { scope: "col" }, text)))),
      body,
    ),
  ));
  let latest;
  const draw = () => {
    if (!details.open || latest === undefined) return;
    const rows = byMinute(latest).slice(0, 15);
    while (body.rows.length > rows.length) body.lastElementChild.remove();
    while (body.rows.length < rows.length) {
      body.append(
        h("tr", {}, h("th", { scope: "row" }), ...headings.slice(1).map(() => h("td"))),
      );
    }
    rows.forEach((row, index) => {
      const texts = [
        clock(row.at).slice(0, 5),
        count(row.requests),
        count(row.failed),
        ...[row.p50Ms, row.p95Ms, row.p99Ms].map(duration),
      ];
      texts.forEach((text, cell) => setText(body.rows[index].cells[cell], text));
    });
  };
  details.addEventListener("toggle", draw);
  return {
    show(columns) {
      latest = columns;
      draw();
    },
  };
}
