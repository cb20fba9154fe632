/** The table of all services, page by page, in an order that holds still while someone reads. */
import { byId, h, Keyed, setAttribute, setText } from "./dom.js";
import { duration, plural, rate, serviceState, share } from "./format.js";
import { setTone, toneMark } from "./marks.js";
import { fits, inOrder } from "./store.js";

const pageSize = 25;
/** How often rows may change places. Units: milliseconds. */
const settleMs = 5000;

const columns = [
  { id: "trouble", text: "Service" },
  { id: "rate", text: "Calls", of: ({ figures }) => figures[0], number: true },
  { id: "failed", text: "Failed", of: ({ figures }) => figures[2], number: true },
  { id: "p50", text: "p50", of: ({ figures }) => figures[3] ?? -1, number: true, wide: true },
  { id: "p95", text: "p95", of: ({ figures }) => figures[4] ?? -1, number: true },
  { id: "p99", text: "p99", of: ({ figures }) => figures[5] ?? -1, number: true, wide: true },
  { id: "endpoints", text: "Endpoints", wide: true },
];

/** Shape: `show(store)`; `changed()` is called when a person wants something else shown. */
export function makeServices({ open, changed }) {
  const body = h("tbody");
  const rows = new Keyed(body, (item) => makeRow(item, open));
  const view = { page: 0, sort: "trouble", order: [], orderedAt: -Infinity, text: "" };
  const headings = columns.map((column) => {
    const sortable = column.of !== undefined || column.id === "trouble";
    const content = sortable
      ? h("button", {
        type: "button",
        onclick: () => {
          view.sort = column.id;
          view.orderedAt = -Infinity;
          changed();
        },
      }, column.text)
      : column.text;
    const cell = h("th", { scope: "col", class: classOf(column) }, content);
    return { column, cell };
  });
  const table = h(
    "table",
    { class: "services" },
    h("caption", { class: "unseen" }, "Services with the figures of the last minute"),
    h("thead", {}, h("tr", {}, ...headings.map(({ cell }) => cell))),
    body,
  );
  const nothing = h("p", { class: "empty" });
  const place = h("span", { class: "num", role: "status" });
  const back = turn("Back", -1);
  const on = turn("More", 1);
  const pages = h("div", { class: "pages" }, back, place, on);
  byId("service-table").append(table, nothing, pages);

  function turn(text, by) {
    return h("button", {
      type: "button",
      onclick: () => {
        view.page += by;
        changed();
      },
    }, text);
  }

  const filter = byId("filter");
  filter.addEventListener("input", () => {
    Object.assign(view, { text: filter.value, page: 0, orderedAt: -Infinity });
    changed();
  });

  /** Rows do not move under a pointer or a focus, nor more often than one can follow. */
  function ordered(services) {
    const nowMs = performance.now();
    const busy = body.matches(":hover") || body.contains(document.activeElement);
    const known = new Set(view.order);
    const news = services.length !== known.size || services.some((one) => !known.has(one.service));
    if (view.orderedAt === -Infinity || news || (!busy && nowMs - view.orderedAt > settleMs)) {
      view.order = sorted(services, view.sort).map((one) => one.service);
      view.orderedAt = nowMs;
    }
    const byName = new Map(services.map((one) => [one.service, one]));
    return view.order.map((name) => byName.get(name)).filter((one) => one !== undefined);
  }

  return {
    /** Shape: what fits the filter, in order. */
    show(store) {
      const all = [...store.services.values()];
      const found = ordered(all).filter((one) => fits(one, view.text));
      const last = Math.max(0, Math.ceil(found.length / pageSize) - 1);
      view.page = Math.min(Math.max(0, view.page), last);
      const first = view.page * pageSize;
      const shown = found.slice(first, first + pageSize);
      rows.show(shown, ({ service }) => service);
      for (const { column, cell } of headings) {
        const direction = column.id === "trouble" ? "ascending" : "descending";
        setAttribute(cell, "aria-sort", view.sort === column.id ? direction : undefined);
      }
      setAttribute(table, "hidden", shown.length === 0);
      setAttribute(nothing, "hidden", shown.length > 0);
      setText(
        nothing,
        all.length === 0
          ? "A service appears here with the first call to it."
          : `None of ${plural(all.length, "service")} fits “${view.text}”.`,
      );
      setAttribute(byId("filter-box"), "hidden", all.length < 4 && view.text === "");
      setAttribute(pages, "hidden", all.length <= pageSize && view.text === "");
      const range = shown.length === 0 ? "0" : `${first + 1}–${first + shown.length}`;
      const of = found.length === all.length ? "" : `, ${all.length} in all`;
      setText(place, `${range} of ${found.length}${of}`);
      setAttribute(back, "disabled", view.page === 0);
      setAttribute(on, "disabled", view.page === last);
      return found;
    },
  };
}

function sorted(services, sort) {
  if (sort === "trouble") return inOrder(services, (one) => serviceState(one).tone);
  const { of } = columns.find(({ id }) => id === sort);
  return [...services].sort((a, b) => of(b) - of(a) || (a.service < b.service ? -1 : 1));
}

function classOf({ number, wide }) {
  return [number ? "num" : "", wide ? "wide" : ""].filter((name) => name !== "").join(" ") ||
    undefined;
}

function makeRow({ service: name }, open) {
  const drawing = toneMark("quiet");
  const word = h("span", { class: "unseen" });
  const disk = h("span", { class: "tag" }, "from disk");
  const cells = columns.slice(1).map((column) => h("td", { class: classOf(column) }));
  const endpoints = h("span");
  cells[cells.length - 1].append(endpoints);
  const button = h("button", { type: "button", class: "name", onclick: () => open(name) }, name);
  return {
    element: h(
      "tr",
      {},
      h("th", { scope: "row" }, h("span", { class: "line" }, drawing, button, word, disk)),
      ...cells,
    ),
    update(service) {
      const { tone, word: said } = serviceState(service);
      setTone(drawing, tone);
      setText(word, `, ${said}`);
      setAttribute(disk, "hidden", service.source !== "disk");
      const [perSecond, , failed, p50, p95, p99] = service.figures;
      setText(cells[0], rate(perSecond));
      setText(cells[1], share(failed));
      setAttribute(cells[1], "class", failed >= 0.01 ? "num bad" : "num");
      [p50, p95, p99].forEach((ms, index) => setText(cells[2 + index], duration(ms)));
      setText(endpoints, endpointWords(service));
      setAttribute(endpoints, "class", tone === "good" ? undefined : tone);
    },
  };
}

function endpointWords({ states: counts, unusable }) {
  const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
  if (total === 0) return unusable === 0 ? "none" : `none of ${unusable} usable`;
  const well = ["healthy", "warming", "unknown", "probation"]
    .reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return well === total ? String(total) : `${well} of ${total}`;
}
