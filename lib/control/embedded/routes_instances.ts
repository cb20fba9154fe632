/** Routes that write instances: register, heartbeat, status, properties, unregister. */
import { done, json } from "./answers.ts";
import { bodyLimits } from "./body.ts";
import type { Call, Route } from "./call.ts";
import { invalid, RegistryFault } from "./faults.ts";
import type { InstanceRecord } from "./records.ts";
import { readInstance, readStatus } from "./read_instance.ts";
import { asFields, fieldsIn, listIn, textIn, textRules, textsIn } from "./rules.ts";
import type { Store } from "./store.ts";

const single = "/microservices/:serviceId/instances/:instanceId";

/** The routes; reads of the same paths come from `reads`. */
export function instanceRoutes(
  store: Store,
  reads: { readonly list: Route["methods"][string]; readonly one: Route["methods"][string] },
  upgradeHeartbeat: Route["methods"][string],
): readonly Route[] {
  return [
    {
      path: "/microservices/:serviceId/instances",
      legacy: true,
      methods: { GET: reads.list, POST: (call) => register(store, call) },
    },
    {
      path: single,
      legacy: true,
      methods: { GET: reads.one, DELETE: (call) => unregister(store, call) },
    },
    {
      path: `${single}/heartbeat`,
      legacy: true,
      methods: { PUT: (call) => heartbeat(store, call), GET: upgradeHeartbeat },
    },
    {
      path: `${single}/status`,
      legacy: true,
      methods: { PUT: (call) => setStatus(store, call) },
    },
    {
      path: `${single}/properties`,
      legacy: true,
      methods: { PUT: (call) => setProperties(store, call) },
    },
    { path: "/heartbeats", legacy: true, methods: { PUT: (call) => heartbeats(store, call) } },
    { path: "/instances/status", methods: { PUT: (call) => setStatusOfMany(store, call) } },
  ];
}

async function register(store: Store, call: Call): Promise<Response> {
  const fields = fieldsIn(await call.fields(bodyLimits.instance), "instance");
  if (!fields) throw invalid('The body has no "instance".');
  const asked = readInstance(fields);
  const { partition } = call;
  const service = store.service(partition, call.param("serviceId"));
  return json({ instanceId: store.register(partition, service, asked).instanceId });
}

function unregister(store: Store, call: Call): Response {
  const { partition } = call;
  store.removeInstance(partition, instanceOf(store, call));
  return done();
}

function heartbeat(store: Store, call: Call): Response {
  store.renew(instanceOf(store, call));
  return done();
}

async function heartbeats(store: Store, call: Call): Promise<Response> {
  const asked = listIn(await call.fields(), "instances");
  if (asked.length === 0) throw invalid('"instances" names no instance.');
  const { partition } = call;
  const answers = new Map<string, object>();
  for (const item of asked) {
    const fields = asFields("an item of instances", item);
    const serviceId = textIn(fields, "serviceId", textRules.serviceId);
    const instanceId = textIn(fields, "instanceId", textRules.serviceId);
    const key = `${serviceId} ${instanceId}`;
    if (answers.has(key)) continue;
    try {
      store.renew(store.instance(partition, serviceId, instanceId));
      answers.set(key, { serviceId, instanceId });
    } catch (error) {
      if (!(error instanceof RegistryFault)) throw error;
      answers.set(key, { serviceId, instanceId, errMessage: error.inline });
    }
  }
  return json({ instances: [...answers.values()] });
}

function setStatus(store: Store, call: Call): Response {
  const status = readStatus("value", call.query("value") ?? "");
  store.update(call.partition, instanceOf(store, call), { status });
  return done();
}

async function setProperties(store: Store, call: Call): Promise<Response> {
  const properties = textsIn(await call.fields(bodyLimits.properties), "properties");
  store.update(call.partition, instanceOf(store, call), { properties });
  return done();
}

/**
 * Every instance whose properties contain all the given pairs. No pairs would mean everybody: refused.
 *
 * Shape: it lies over what each instance says itself, and the next word about one of them alone ends it for that one.
 */
async function setStatusOfMany(store: Store, call: Call): Promise<Response> {
  const fields = await call.fields();
  const status = readStatus("status", textIn(fields, "status", textRules.instanceStatus));
  const wanted = textsIn(fieldsIn(fields, "matches") ?? {}, "properties");
  if (wanted.size === 0) {
    throw invalid("matches.properties names no property; expected at least one.");
  }
  const { partition } = call;
  for (const service of partition.services.values()) {
    for (const instance of [...service.instances.values()]) {
      const fits = [...wanted].every(([key, value]) => instance.properties.get(key) === value);
      if (fits) store.cover(partition, instance, status);
    }
  }
  return done();
}

function instanceOf(store: Store, call: Call): InstanceRecord {
  return store.instance(call.partition, call.param("serviceId"), call.param("instanceId"));
}
