/** The top of the page: who this sidecar is, how it is, and what stands in the way. */
import { byId, h, Keyed, setAttribute, setText } from "./dom.js";
import { age, clock } from "./format.js";
import { setTone, toneMark } from "./marks.js";

/** Shape: `show(store, link, nowMs)`, called with every change and once a second. */
export function makeHeader() {
  const chips = new Keyed(byId("chips"), makeChip);
  const notices = new Keyed(byId("notices"), makeNotice);
  return {
    show(store, link, nowMs) {
      const at = nowMs + store.skewMs;
      if (store.state !== undefined) {
        const { status } = store.state;
        const name = status.service ?? "Sidecar without a service";
        setText(byId("name"), name);
        const place = [status.app, status.environment].filter((text) => text !== "").join(" / ");
        const version = status.service === undefined ? "" : `${status.serviceVersion} · `;
        setText(byId("identity"), `${version}${place}`);
        const title = `${name} · mesher`;
        if (document.title !== title) document.title = title;
        setText(
          byId("about"),
          `mesher ${status.version} · ${status.threads} × ${status.net} · up for ${
            age(at - status.startedAt)
          }`,
        );
      }
      chips.show(chipsOf(store, link, at), ({ key }) => key);
      notices.show(noticesOf(store, link, nowMs), ({ text }) => text);
    },
  };
}

/** Failures that are counted at the top. Units: milliseconds. */
const recentMs = 300_000;

/** How the sidecar begins to say what is said here in more words. */
const registryNote = "the registry cannot be reached";

function makeChip({ tone, href }) {
  const drawing = toneMark(tone);
  const text = h(href === undefined ? "span" : "a", { href });
  const more = h("span", { class: "quiet num" });
  return {
    element: h("li", { class: "chip" }, drawing, text, more),
    update(chip) {
      setTone(drawing, chip.tone);
      setText(text, chip.text);
      setText(more, chip.more ?? "");
      setAttribute(more, "hidden", chip.more === undefined);
    },
  };
}

function chipsOf({ state, failures }, link, at) {
  if (link.kind === "lost") {
    return [{ key: "link", tone: "bad", text: "No answer from this sidecar" }];
  }
  if (state === undefined) return [{ key: "link", tone: "quiet", text: "Connecting" }];
  const { status, readiness, application, leases } = state;
  const chips = [];
  if (status.draining) chips.push({ key: "state", tone: "warn", text: "Draining" });
  else {
    chips.push(
      readiness.ready
        ? { key: "state", tone: "good", text: "Ready" }
        : { key: "state", tone: "bad", text: "Not ready" },
    );
  }
  chips.push(registryChip(status.registry, at));
  if (application !== undefined) chips.push(applicationChip(application));
  for (const lease of leases) chips.push(leaseChip(lease));
  const failed = failures.filter((failure) => failure.at > at - recentMs).length;
  if (failed > 0) {
    const text = failed === 1 ? "1 failed call" : `${failed} failed calls`;
    chips.push({ key: "failures", tone: "bad", text, more: "in 5 minutes", href: "#failures" });
  }
  return chips;
}

function registryChip({ reachable, lastAnswerAt, servedHere }, at) {
  const key = "registry";
  const since = lastAnswerAt === undefined ? undefined : age(at - lastAnswerAt);
  const text = servedHere ? "Registry, served here," : "Registry";
  if (reachable === undefined) return { key, tone: "quiet", text, more: "not asked yet" };
  if (reachable) return { key, tone: "good", text, more: `answered ${since} ago` };
  const more = since === undefined ? "has never answered" : `silent for ${since}`;
  return { key, tone: "bad", text, more };
}

function applicationChip({ verdict }) {
  const key = "application";
  if (verdict === "up") return { key, tone: "good", text: "Application up" };
  if (verdict === "down") return { key, tone: "bad", text: "Application down" };
  return { key, tone: "quiet", text: "Application not checked yet" };
}

function leaseChip({ state, service }) {
  const key = `lease ${service}`;
  const words = {
    waiting: ["quiet", "Registers when the application is up"],
    registering: ["warn", "Registering"],
    registered: ["good", "Registered"],
    lost: ["warn", "Lost by the registry, registering again"],
    stopped: ["quiet", "Deregistered"],
  };
  const [tone, text] = words[state];
  return { key, tone, text };
}

function noticesOf({ state }, link, nowMs) {
  if (link.kind === "lost") {
    return [{
      tone: "bad",
      text: `This page shows what was known at ${clock(link.sinceMs)}: ${link.why}. ` +
        `It tries again by itself.`,
      nowMs,
    }];
  }
  if (state === undefined) return [];
  const { readiness, status, application } = state;
  const notices = [
    ...readiness.reasons.map((text) => ({ tone: "bad", text: sentence(text) })),
    ...readiness.notes.filter((text) => !text.startsWith(registryNote))
      .map((text) => ({ tone: "warn", text: sentence(text) })),
  ];
  const { reachable, address, lastError, lastAnswerAt } = status.registry;
  if (reachable === false && lastAnswerAt !== undefined) {
    notices.push({
      tone: "warn",
      text: `The registry has not answered since ${clock(lastAnswerAt)}. Calls go on with what ` +
        `is known; new services and instances are not found. Look whether ${address} runs and ` +
        `can be reached from here.`,
      detail: lastError,
    });
  }
  for (const { verdict, check, reason } of application?.checks ?? []) {
    if (verdict === "down") {
      notices.push({ tone: "bad", text: `The application fails its check ${check}: ${reason}` });
    }
  }
  const { count, last } = status.refusedReloads;
  if (count > 0) notices.push({ tone: "warn", text: `A configuration was refused: ${last}` });
  return notices;
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function makeNotice({ tone, text }) {
  const detail = h("span", { class: "quiet detail" });
  return {
    element: h("p", { class: `notice ${tone}` }, toneMark(tone), h("span", {}, text, detail)),
    update(notice) {
      setText(detail, notice.detail ?? "");
      setAttribute(detail, "hidden", notice.detail === undefined);
    },
  };
}
