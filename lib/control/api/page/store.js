/** What the page knows, kept up to date by the events of the stream. */

const maxPoints = 180;
const maxFailures = 200;

const columnNames = ["at", "requests", "failed", "retries", "p50Ms", "p95Ms", "p99Ms"];

export function noColumns() {
  return Object.fromEntries(columnNames.map((name) => [name, []]));
}

export function emptyStore() {
  return {
    /** What is to be added to the clock of this browser to have that of the sidecar. */
    skewMs: 0,
    state: undefined,
    /** By name: what the map shows, with figures and rates. */
    services: new Map(),
    all: [0, 0, 0, null, null, null],
    inbound: [0, 0, 0, null, null, null],
    bucketMs: 5000,
    points: { all: noColumns(), inbound: noColumns() },
    failures: [],
    dropped: 0,
  };
}

/** Takes one event in. Shape: `store` is changed; a stream that begins anew begins with `state`. */
export function takeEvent(store, event, data, nowMs) {
  switch (event) {
    case "state":
      store.state = data;
      store.skewMs = data.at - nowMs;
      return;
    case "services":
      for (const name of data.gone) store.services.delete(name);
      for (const one of data.changed) {
        const known = store.services.get(one.service);
        store.services.set(one.service, {
          ...one,
          figures: known?.figures ?? [0, 0, 0, null, null, null],
          rates: known?.rates ?? [],
        });
      }
      return;
    case "figures":
      store.all = data.all;
      store.inbound = data.inbound;
      for (const [name, { figures, endpoints }] of Object.entries(data.services)) {
        const known = store.services.get(name);
        if (known !== undefined) Object.assign(known, { figures, rates: endpoints });
      }
      return;
    case "points":
      store.bucketMs = data.bucketMs;
      appendColumns(store.points.all, data.all);
      appendColumns(store.points.inbound, data.inbound);
      return;
    case "failures": {
      const newest = store.failures[0]?.sequence ?? 0;
      const fresh = data.failures.filter(({ sequence }) => sequence > newest);
      store.failures = [...fresh, ...store.failures].slice(0, maxFailures);
      store.dropped = data.dropped;
    }
  }
}

/** Shape: points that are there already are not added twice. */
export function appendColumns(columns, more) {
  const last = columns.at[columns.at.length - 1] ?? -Infinity;
  const from = more.at.findIndex((at) => at > last + 1000);
  if (from < 0) return;
  for (const name of columnNames) {
    columns[name].push(...more[name].slice(from));
    if (columns[name].length > maxPoints) columns[name].splice(0, columns[name].length - maxPoints);
  }
}

/** A stream that begins anew tells everything again; what another process told is forgotten. */
export function beginAnew(store, startedAt) {
  const before = store.state?.status.startedAt;
  const same = before !== undefined && Math.abs(before - startedAt) < 1000;
  store.services.clear();
  if (same) return;
  store.points = { all: noColumns(), inbound: noColumns() };
  store.failures = [];
}

const tones = { bad: 0, warn: 1, good: 2, quiet: 2 };

/** Those that want attention first, then the busiest. */
export function inOrder(services, toneOf) {
  return services.map((service) => ({ service, tone: tones[toneOf(service)] })).sort((a, b) =>
    a.tone - b.tone ||
    b.service.figures[0] - a.service.figures[0] ||
    (a.service.service < b.service.service ? -1 : 1)
  ).map(({ service }) => service);
}

/** Whether a service fits what was typed: a part of its name or of an address. */
export function fits(service, text) {
  const wanted = text.trim().toLowerCase();
  return wanted === "" || service.service.toLowerCase().includes(wanted) ||
    service.endpoints.some(({ address, instanceId }) =>
      address.includes(wanted) || instanceId.toLowerCase().includes(wanted)
    );
}

/** Failures of the same kind one after the other are one with a number. */
export function groupFailures(failures) {
  const groups = [];
  for (const failure of failures) {
    const last = groups[groups.length - 1];
    const same = last !== undefined && last.newest.code === failure.code &&
      last.newest.service === failure.service && last.newest.role === failure.role;
    if (same) {
      last.times++;
      last.oldestAt = failure.at;
      last.oldestSequence = failure.sequence;
      last.endpoints.add(failure.endpoint);
    } else {
      groups.push({
        newest: failure,
        times: 1,
        oldestAt: failure.at,
        oldestSequence: failure.sequence,
        endpoints: new Set([failure.endpoint]),
      });
    }
  }
  return groups;
}
