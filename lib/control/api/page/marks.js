/** The marks of states: each has a shape of its own, so that colour is never needed to tell them apart. */
import { h, s, setAttribute } from "./dom.js";
import { states } from "./format.js";

const shapes = {
  healthy: [["circle", { cx: 6, cy: 6, r: 4.5 }]],
  warming: [
    ["circle", { cx: 6, cy: 6, r: 4.25, class: "hollow" }],
    ["path", { d: "M6 1.75a4.25 4.25 0 0 1 0 8.5z" }],
  ],
  unknown: [["circle", { cx: 6, cy: 6, r: 4.25, class: "hollow dashed" }]],
  draining: [["path", { d: "M1.5 3h9L6 10.5z", class: "hollow" }]],
  probation: [["path", { d: "M6 1l5 5-5 5-5-5z", class: "hollow" }]],
  ejected: [
    ["rect", { x: 1, y: 1, width: 10, height: 10, rx: 1 }],
    ["path", { d: "M3.5 3.5l5 5m0-5l-5 5", class: "cut" }],
  ],
  unreachable: [
    ["path", { d: "M6 .8l5.7 10.4H.3z" }],
    ["path", { d: "M6 4.2v3.3m0 1.3v1", class: "cut" }],
  ],
};

/** What a tone looks like where there is no endpoint behind it. */
const toneShapes = {
  good: "healthy",
  warn: "probation",
  bad: "unreachable",
  quiet: "unknown",
};

/** The mark of a state. Shape: for the eye only; a word for it has to stand beside it or in a label. */
export function mark(state) {
  const drawing = s("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
  setMark(drawing, state);
  return drawing;
}

/** Changes the mark that `mark` made. */
export function setMark(drawing, state) {
  const name = `mark ${states[state]?.tone ?? "quiet"}`;
  if (drawing.dataset.state === state) return;
  drawing.dataset.state = state;
  setAttribute(drawing, "class", name);
  drawing.replaceChildren(...(shapes[state] ?? shapes.unknown).map(([tag, at]) => s(tag, at)));
}

export function toneMark(tone) {
  return mark(toneShapes[tone]);
}

export function setTone(drawing, tone) {
  setMark(drawing, toneShapes[tone]);
}

/** All marks with their words. */
export function legend() {
  return Object.entries(states).map(([state, { word, means }]) =>
    h("li", {}, mark(state), h("span", {}, h("b", {}, word), ` – ${means}`))
  );
}
