/** The live page: follows the sidecar's events and keeps every part of the page in step with them. */
import { makeAnnouncer } from "./announce.js";
import { makeCharts, makeMinutes } from "./charts.js";
import { byId, setAttribute, setText } from "./dom.js";
import { makeFailures } from "./failures.js";
import { makeHeader } from "./header.js";
import { makeMap } from "./map.js";
import { legend } from "./marks.js";
import { makePanel } from "./panel.js";
import { makeServices } from "./services.js";
import { beginAnew, emptyStore, takeEvent } from "./store.js";
import { follow, storedToken } from "./stream.js";
import { askForToken } from "./token.js";

/** A page that nobody looks at stops listening after this time. Units: milliseconds. */
const hiddenMs = 60_000;

const store = emptyStore();
let link = { kind: "connecting" };
let scope = "all";

const header = makeHeader();
const map = makeMap({ open: openPanel });
const services = makeServices({ open: openPanel, changed: soon });
const failures = makeFailures({ changed: soon });
const panel = makePanel({ closed: () => setPlace("") });
const announcer = makeAnnouncer();
const charts = makeCharts();
const minutes = makeMinutes(byId("minutes"), "All calls by the minute");

byId("charts").append(...charts.elements);
byId("legend").append(...legend());
byId("scope").addEventListener("change", (event) => {
  scope = event.target.value;
  soon();
});

let drawing = false;

/** Draws once per frame, however many events came. */
function soon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  header.show(store, link, Date.now());
  const found = services.show(store);
  map.show(store, found, store.services.size);
  const columns = store.points[scope];
  const endAt = Date.now() + store.skewMs;
  charts.show(columns, { bucketMs: store.bucketMs, endAt });
  setText(byId("history-title"), charts.title(columns, endAt));
  minutes.show(columns);
  failures.show(store);
  panel.tick(store);
  announcer.look(store, link);
  setAttribute(byId("scope"), "hidden", store.state?.status.inbound === undefined);
  // A browser would ask for them without the token.
  setAttribute(byId("links"), "hidden", storedToken() !== undefined);
  document.body.classList.toggle("stale", link.kind === "lost");
}

/** The place of the page names what the panel shows, so that it can be passed on. */
function openPanel(service, address) {
  const place = new URLSearchParams({ service, ...(address === undefined ? {} : { address }) });
  setPlace(`#${place}`);
  panel.open(service, address);
  soon();
}

function setPlace(hash) {
  if (location.hash === hash) return;
  history.pushState(null, "", `${location.pathname}${hash}`);
}

function followPlace() {
  const place = new URLSearchParams(location.hash.slice(1));
  const service = place.get("service");
  if (service === null) panel.close();
  else panel.open(service, place.get("address") ?? undefined);
}

addEventListener("popstate", followPlace);

let listening = new AbortController();

function listen() {
  listening = new AbortController();
  let fresh = true;
  void follow({
    opened() {
      fresh = true;
    },
    event(name, data) {
      if (fresh && name === "state") beginAnew(store, data.status.startedAt);
      fresh = false;
      link = { kind: "live" };
      takeEvent(store, name, data, Date.now());
      soon();
    },
    lost(why) {
      if (link.kind !== "lost") link = { kind: "lost", why, sinceMs: Date.now() };
      soon();
    },
    tokenNeeded: askForToken,
  }, listening.signal);
}

let hiddenTimer;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) hiddenTimer = setTimeout(() => listening.abort(), hiddenMs);
  else if (listening.signal.aborted) listen();
});

// Ages grow by themselves.
setInterval(soon, 1000);
draw();
listen();
followPlace();
