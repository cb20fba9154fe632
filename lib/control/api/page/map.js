/** The map: caller, sidecar, services and endpoints with their health and rates. */
import { byId, h, Keyed, s, setAttribute, setText } from "./dom.js";
import { duration, plural, rate, serviceState, share, states, stateWord } from "./format.js";
import { mark, setMark, setTone, toneMark } from "./marks.js";

/** Services that the map has room for. */
export const mapServices = 8;
/** Endpoints that are named; of more only the marks are shown. */
const namedEndpoints = 3;

/** Shape: `show(store, shown, total)`; `open(service, address)` is told of clicks. */
export function makeMap({ open }) {
  const caller = node("Application");
  const sidecar = node("This sidecar");
  const rows = h("ul", { class: "targets" });
  const wires = s("svg", { "aria-hidden": "true" });
  const services = new Keyed(rows, (item) => makeTarget(item, open));
  const outRate = h("span", { class: "num" });
  const hint = h("span");
  const example = h("code");
  const nothing = h("p", { class: "empty" }, hint, example);
  byId("map-out").append(
    caller.element,
    link(outRate),
    sidecar.element,
    h("div", { class: "wires" }, wires),
    h("div", { class: "fan" }, rows, nothing),
  );
  const inbound = makeInboundLane();

  function drawWires(list) {
    const box = wires.getBoundingClientRect();
    setAttribute(wires, "viewBox", `0 0 ${Math.max(1, box.width)} ${Math.max(1, box.height)}`);
    const from = sidecar.element.getBoundingClientRect();
    const startY = from.top + from.height / 2 - box.top;
    const most = Math.max(1, ...list.map(({ figures }) => figures[0]));
    wires.replaceChildren(...list.map((service) => {
      const target = services.get(service.service)?.getBoundingClientRect();
      if (target === undefined || box.width === 0) return s("g");
      const endY = target.top + target.height / 2 - box.top;
      const middle = box.width / 2;
      const width = service.figures[0] < 0.05 ? 1 : 1 + 3 * Math.sqrt(service.figures[0] / most);
      return s("path", {
        d: `M0 ${startY}C${middle} ${startY} ${middle} ${endY} ${box.width} ${endY}`,
        class: service.figures[0] < 0.05 ? "idle" : serviceState(service).tone,
        "stroke-width": width.toFixed(1),
      });
    }));
  }
  let latest = [];
  new ResizeObserver(() => drawWires(latest)).observe(byId("map-out"));

  return {
    show(store, shown, total) {
      if (store.state === undefined) return;
      const { status } = store.state;
      latest = shown.slice(0, mapServices);
      caller.set(status.service ?? "Any application", "calls through http_proxy");
      sidecar.set(status.outbound ?? "", "outbound");
      setText(outRate, rate(store.all[0]));
      services.show(latest, ({ service }) => service);
      setAttribute(nothing, "hidden", latest.length > 0);
      setText(
        hint,
        total > 0
          ? "No service fits the filter."
          : "No service has been called yet. Call one by its name through the sidecar:",
      );
      const proxy = status.outbound ?? "127.0.0.1:30101";
      setText(example, total > 0 ? "" : `curl -x http://${proxy} http://ServiceName/`);
      const rest = shown.length - latest.length;
      setText(
        byId("map-note"),
        rest > 0
          ? `${latest.length} of ${
            plural(shown.length, "service")
          }, those in trouble and the busiest`
          : "",
      );
      drawWires(latest);
      inbound.show(store);
    },
  };
}

function node(kind) {
  const name = h("b");
  const more = h("span", { class: "quiet" });
  const element = h("div", { class: "node" }, h("span", { class: "kind" }, kind), name, more);
  return {
    element,
    set(text, below) {
      setText(name, text);
      setText(more, below);
    },
  };
}

function link(label) {
  return h("div", { class: "link" }, label);
}

function makeTarget({ service: name }, open) {
  const drawing = toneMark("quiet");
  const figures = h("span", { class: "figures num" });
  const state = h("span", { class: "unseen" });
  const button = h(
    "button",
    { type: "button", class: "target", onclick: () => open(name) },
    h("span", { class: "line" }, drawing, h("b", {}, name), state),
    figures,
  );
  const list = h("ul", { class: "endpoints" });
  const more = h("li", { class: "quiet more" });
  const endpoints = new Keyed(list, (item) => makeEndpoint(name, item, open));
  return {
    element: h("li", {}, button, list),
    update(service) {
      const { tone, word } = serviceState(service);
      setTone(drawing, tone);
      setText(state, `, ${word}`);
      const [perSecond, , failed, , p95] = service.figures;
      const parts = [rate(perSecond)];
      if (failed > 0) parts.push(`${share(failed)} failed`);
      if (p95 !== null) parts.push(`p95 ${duration(p95)}`);
      setText(figures, parts.join(" · "));
      setAttribute(figures, "class", `figures num${failed >= 0.01 ? " bad" : ""}`);
      const total = Object.values(service.states).reduce((sum, one) => sum + one, 0);
      const named = total <= namedEndpoints;
      setAttribute(list, "class", named ? "endpoints named" : "endpoints");
      endpoints.show(
        service.endpoints.map((endpoint, index) => ({
          ...endpoint,
          named,
          perSecond: service.rates[index] ?? 0,
        })),
        ({ address }) => address,
      );
      const left = total - service.endpoints.length;
      setText(more, total === 0 ? noEndpoint(service) : left > 0 ? `and ${left} more` : "");
      if (more.textContent === "") more.remove();
      else list.append(more);
    },
  };
}

function noEndpoint({ unusable }) {
  return unusable === 0
    ? "no instance is registered"
    : `${plural(unusable, "instance")}, none can be called`;
}

function makeEndpoint(service, { address }, open) {
  const drawing = mark("unknown");
  const words = h("span");
  const state = h("span", { class: "unseen" });
  const perSecond = h("span", { class: "num quiet" });
  const button = h(
    "button",
    { type: "button", class: "endpoint", onclick: () => open(service, address) },
    drawing,
    words,
    state,
    perSecond,
  );
  return {
    element: h("li", {}, button),
    update(endpoint) {
      const word = stateWord(endpoint.state, endpoint.reason);
      setMark(drawing, endpoint.state);
      setText(words, endpoint.address);
      setAttribute(words, "class", endpoint.named ? "address" : "unseen");
      setText(state, `, ${word}, `);
      const bad = states[endpoint.state]?.tone === "bad";
      setText(
        perSecond,
        bad && endpoint.named ? states[endpoint.state].word : rate(endpoint.perSecond),
      );
      setAttribute(perSecond, "class", endpoint.named ? "num quiet" : "unseen");
      setAttribute(button, "title", `${endpoint.address}: ${word}, ${rate(endpoint.perSecond)}`);
    },
  };
}

/** Calls from elsewhere to the own application. */
function makeInboundLane() {
  const callers = node("Callers");
  const sidecar = node("This sidecar");
  const application = node("Application");
  const inRate = h("span", { class: "num" });
  const drawing = toneMark("quiet");
  const verdict = h("span", { class: "checks" });
  const lane = byId("map-in");
  application.element.append(h("span", { class: "line" }, drawing, verdict));
  lane.append(
    callers.element,
    link(inRate),
    sidecar.element,
    link(h("span", { class: "unseen" }, "hands on to")),
    application.element,
  );
  return {
    show(store) {
      const { status, application: checked } = store.state;
      setAttribute(lane, "hidden", status.inbound === undefined);
      if (status.inbound === undefined) return;
      callers.set("Other services", "through the registry");
      sidecar.set(status.inbound, "inbound");
      setText(inRate, rate(store.inbound[0]));
      application.set(status.service ?? "", "");
      const tones = { up: "good", down: "bad", unknown: "quiet" };
      const words = {
        up: "passes its checks",
        down: "fails its checks",
        unknown: "not checked yet",
      };
      setTone(drawing, tones[checked?.verdict ?? "unknown"]);
      setText(verdict, words[checked?.verdict ?? "unknown"]);
    },
  };
}
