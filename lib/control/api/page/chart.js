/** A chart over the last minutes, drawn as SVG; the words beside it say the same. */
import { h, s, setAttribute, setText } from "./dom.js";
import { clock } from "./format.js";
import { areaPath, linePath, moments, niceScale, spanOf } from "./scale.js";

const height = 132;
const edges = { left: 50, right: 8, top: 8, bottom: 20 };

/**
 * Makes a chart.
 *
 * Shape: `lines` are `{ name, style, area, bumps, value(columns, index) }`, where `bumps` draws nothing along zero;
 * `smallest` is the least upper end of the scale;
 * `show(columns, endAt)` draws what is known up to a moment.
 */
export function makeChart({ title, lines, format, axis, smallest = 0 }) {
  const id = `chart-${title.toLowerCase().replace(/[^a-z]+/g, "-")}-${++made}`;
  const keys = lines.map((line) => {
    const value = h("b", { class: "num" }, "–");
    const sample = s(
      "svg",
      { viewBox: "0 0 18 8", class: `sample ${line.style}`, "aria-hidden": "true" },
      s("path", { d: "M0 4h18" }),
    );
    return { ...line, value, item: h("li", {}, sample, `${line.name} `, value), of: line.value };
  });
  const when = h("span", { class: "when quiet" });
  const grid = s("g", { class: "grid" });
  const drawn = keys.map(({ style, area }) => ({
    area: area ? s("path", { class: `area ${style}` }) : undefined,
    line: s("path", { class: `trace ${style}` }),
  }));
  const cursor = s("path", { class: "cursor" });
  const empty = s("text", { class: "empty", "text-anchor": "middle" });
  const canvas = s(
    "svg",
    { class: "canvas", role: "img", height },
    grid,
    ...drawn.flatMap(({ area, line }) => area === undefined ? [line] : [area, line]),
    cursor,
    empty,
  );
  const element = h(
    "figure",
    { class: "chart", "aria-labelledby": id },
    h("figcaption", { id }, h("span", { class: "title" }, title), when),
    h("ul", { class: "keys" }, ...keys.map(({ item }) => item)),
    canvas,
  );
  const view = { columns: undefined, endAt: 0, width: 0, pointedAt: undefined, span: 15 };

  function draw() {
    const { columns, endAt, width, span } = view;
    if (columns === undefined || width === 0) return;
    const spanMs = span * 60_000;
    setAttribute(canvas, "viewBox", `0 0 ${width} ${height}`);
    setAttribute(canvas, "width", width);
    const values = keys.map(({ of }) => columns.at.map((_, index) => of(columns, index)));
    const known = values.flat().filter((value) => value !== null);
    const { top, ticks } = niceScale(known.reduce((most, one) => Math.max(most, one), 0), smallest);
    const ground = height - edges.bottom;
    const plot = { left: edges.left, right: width - edges.right, top: edges.top, ground };
    const x = (at) => plot.right - (endAt - at) / spanMs * (plot.right - plot.left);
    const y = (value) => ground - value / top * (ground - plot.top);
    drawGrid(grid, { plot, ticks: known.length === 0 ? [] : ticks, y, axis, span });
    const gap = (plot.right - plot.left) / (spanMs / 11_000);
    values.forEach((line, index) => {
      const seen = keys[index].bumps ? onlyBumps(line) : line;
      const points = seen.map((value, at) => ({
        x: x(columns.at[at]),
        y: value === null ? null : y(value),
      })).filter((point) => point.x >= plot.left - 1);
      setAttribute(drawn[index].line, "d", linePath(points, gap));
      if (drawn[index].area) setAttribute(drawn[index].area, "d", areaPath(points, ground, gap));
    });
    const nothing = known.length === 0;
    setText(empty, nothing ? "No calls yet" : "");
    setAttribute(empty, "x", (plot.left + plot.right) / 2);
    setAttribute(empty, "y", (plot.top + ground) / 2);
    drawCursor(x, plot);
    label(values);
  }

  /** Where the moment pointed at stands now; it moves as time does. */
  function pointed() {
    const { columns, pointedAt } = view;
    const index = pointedAt === undefined ? -1 : columns.at.indexOf(pointedAt);
    return index < 0 ? undefined : index;
  }

  /** Beside the names stands the newest value, or that of the moment pointed at. */
  function label(values) {
    const { columns } = view;
    const chosen = pointed();
    const index = chosen ?? lastKnown(values);
    keys.forEach(({ value }, line) => {
      const one = index === undefined ? null : values[line][index];
      setText(value, one === null || one === undefined ? "–" : format(one));
    });
    setText(when, chosen === undefined ? "" : clock(columns.at[chosen]));
    if (chosen !== undefined) return;
    const words = keys.map(({ name, value }) => `${name} ${value.textContent}`).join(", ");
    setAttribute(
      canvas,
      "aria-label",
      `${title} over the last ${view.span} minutes. Now: ${words}.`,
    );
  }

  function drawCursor(x, plot) {
    const chosen = pointed();
    const at = chosen === undefined ? undefined : x(view.columns.at[chosen]);
    setAttribute(cursor, "d", at === undefined ? "" : `M${at} ${plot.top}V${plot.ground}`);
  }

  canvas.addEventListener("pointermove", (event) => {
    const { columns, endAt, width } = view;
    if (columns === undefined || columns.at.length === 0) return;
    const box = canvas.getBoundingClientRect();
    const inner = width - edges.left - edges.right;
    const part = (event.clientX - box.left - edges.left) / inner;
    const at = endAt - (1 - part) * view.span * 60_000;
    const distance = (index) => Math.abs(columns.at[index] - at);
    const nearest = columns.at.reduce(
      (best, _, index) => distance(index) < distance(best) ? index : best,
      0,
    );
    view.pointedAt = columns.at[nearest];
    draw();
  });
  canvas.addEventListener("pointerleave", () => {
    view.pointedAt = undefined;
    draw();
  });
  new ResizeObserver(([entry]) => {
    view.width = Math.floor(entry.contentRect.width);
    draw();
  }).observe(element);

  return {
    element,
    show(columns, endAt) {
      Object.assign(view, { columns, endAt, span: spanOf(columns, endAt) });
      draw();
    },
  };
}

let made = 0;

/** A line along the ground says nothing; where all is well the eye shall rest. */
function onlyBumps(line) {
  return line.map((value, index) =>
    value === 0 && !line[index - 1] && !line[index + 1] ? null : value
  );
}

function lastKnown(values) {
  const length = values[0]?.length ?? 0;
  for (let index = length - 1; index >= Math.max(0, length - 12); index--) {
    if (values.some((line) => line[index] !== null)) return index;
  }
  return undefined;
}

function drawGrid(grid, { plot, ticks, y, axis, span }) {
  const lines = ticks.map((tick) =>
    s(
      "g",
      {},
      s("path", { d: `M${plot.left} ${Math.round(y(tick)) + 0.5}H${plot.right}` }),
      s("text", { x: plot.left - 6, y: y(tick) + 3.5, "text-anchor": "end" }, axis(tick)),
    )
  );
  const width = plot.right - plot.left;
  const times = moments(span, width < 240).map((minutes) => {
    const x = plot.right - minutes / span * width;
    const anchor = minutes === 0 ? "end" : minutes === span ? "start" : "middle";
    const text = minutes === 0 ? "now" : `−${minutes} min`;
    return s("text", { x, y: height - 5, "text-anchor": anchor }, text);
  });
  const ground = s("path", { d: `M${plot.left} ${plot.ground + 0.5}H${plot.right}` });
  grid.replaceChildren(...lines, ground, ...times);
}
