/** From values to places in a chart: scales, ticks, paths. */

/** How much time charts show: a young sidecar has little to tell. Units: minutes. */
export function spanOf(columns, endAt) {
  const first = columns.at[0] ?? endAt;
  return [2, 5, 15].find((minutes) => endAt - first <= minutes * 60_000) ?? 15;
}

/** The moments that are named below a chart. Units: minutes before its end. */
export function moments(span, narrow) {
  if (narrow) return [span, 0];
  return { 2: [2, 1, 0], 5: [5, 4, 3, 2, 1, 0], 15: [15, 10, 5, 0] }[span];
}

/** A round upper end and the ticks up to it, some three of them. */
export function niceScale(largest, smallest = 0) {
  const top = Math.max(largest, smallest);
  if (!(top > 0)) return { top: 1, ticks: [0, 0.5, 1] };
  const power = 10 ** Math.floor(Math.log10(top));
  const step = [0.2, 0.5, 1, 2, 5].map((part) => part * power)
    .find((part) => top / part <= 4) ?? 5 * power;
  const ticks = [];
  const count = Math.ceil(top / step - 1e-9);
  for (let index = 0; index <= count; index++) ticks.push(Number((index * step).toPrecision(6)));
  return { top: ticks[ticks.length - 1], ticks };
}

/**
 * The path of a line.
 *
 * Shape: a gap where a value is null or where time is missing between two points; a point alone is a short stroke.
 */
export function linePath(points, maxGapX) {
  let path = "";
  let before;
  points.forEach((point, index) => {
    if (point.y === null) {
      before = undefined;
      return;
    }
    const { x, y } = point;
    const joined = before !== undefined && x - before.x <= maxGapX;
    const next = points[index + 1];
    const alone = !joined && (next === undefined || next.y === null || next.x - x > maxGapX);
    path += `${joined ? "L" : "M"}${round(x)} ${round(y)}`;
    if (alone) path += `h1.5`;
    before = point;
  });
  return path;
}

/** The area between a line and the ground. */
export function areaPath(points, groundY, maxGapX) {
  let path = "";
  let run = [];
  const close = () => {
    if (run.length > 0) {
      const line = run.map(({ x, y }) => `L${round(x)} ${round(y)}`).join("");
      path += `M${round(run[0].x)} ${round(groundY)}${line}` +
        `L${round(run[run.length - 1].x)} ${round(groundY)}Z`;
    }
    run = [];
  };
  for (const point of points) {
    const last = run[run.length - 1];
    if (point.y === null || (last !== undefined && point.x - last.x > maxGapX)) close();
    if (point.y !== null) run.push(point);
  }
  close();
  return path;
}

function round(number) {
  return Math.round(number * 10) / 10;
}

/** Sums columns of buckets by the minute, newest first. Shape: percentiles are the largest of the minute. */
export function byMinute(columns) {
  const minutes = new Map();
  columns.at.forEach((at, index) => {
    // A bucket belongs to the minute in which it ended.
    const minute = Math.ceil(at / 60_000) * 60_000;
    let row = minutes.get(minute);
    if (row === undefined) {
      row = { at: minute, requests: 0, failed: 0, p50Ms: null, p95Ms: null, p99Ms: null };
      minutes.set(minute, row);
    }
    row.requests += columns.requests[index] ?? 0;
    row.failed += columns.failed[index] ?? 0;
    for (const name of ["p50Ms", "p95Ms", "p99Ms"]) {
      const value = columns[name][index];
      if (value !== null) row[name] = Math.max(row[name] ?? 0, value);
    }
  });
  return [...minutes.values()].sort((a, b) => b.at - a.at);
}
