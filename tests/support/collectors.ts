/** Real collectors of traces, started for a test where they can be had: OpenTelemetry's and Zipkin's. */
import { peerOf, type Recipe } from "./chassis_build.ts";
import { type Lab, until } from "./process.ts";
import { pickPort } from "./ports.ts";
import { Missing } from "./process_tools.ts";

const interop = new URL("../interop", import.meta.url).pathname;
/** A JVM on a busy machine takes its time. Units: milliseconds. */
const startMs = 120_000;

const collector: Recipe = {
  name: "OpenTelemetry collector 0.136",
  folder: "collector",
  below: interop,
  env: { GOFLAGS: "-mod=mod", GOWORK: "off" },
  steps: [
    { command: ["go", "mod", "tidy"], mayFail: true },
    { command: ["go", "build", "-o", "bin/collector", "."], mayFail: false },
  ],
};

const zipkin: Recipe = {
  name: "Zipkin 3.4.4",
  folder: "zipkin",
  below: interop,
  env: {},
  needs: ["java", "-version"],
  steps: [{
    command: ["mvn", "-B", "-q", "dependency:copy", "-DoutputDirectory=lib"]
      .concat("-Dartifact=io.zipkin:zipkin-server:3.4.4:jar:exec", "-Dmdep.stripVersion=true"),
    mayFail: true,
  }],
};

async function folderOf(recipe: Recipe): Promise<string> {
  const peer = await peerOf(recipe);
  if (peer.kind === "missing") throw new Missing(`no ${peer.name}: ${peer.reason}`);
  return peer.folder;
}

/**
 * Starts OpenTelemetry's collector: it takes OTLP and sends on what it has understood, in JSON.
 *
 * Shape: where it takes spans. Errors: Missing.
 */
export async function startCollector(lab: Lab, sendsTo: string): Promise<string> {
  const folder = await folderOf(collector);
  const port = pickPort();
  const path = `${lab.folder}/collector.yaml`;
  await Deno.writeTextFile(
    path,
    `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {otlphttp: {endpoint: "${sendsTo}", encoding: json, compression: none}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}
`,
  );
  const process = lab.start("collector", [`${folder}/bin/collector`, `--config=file:${path}`]);
  await process.line(/Everything is ready/, startMs);
  return `http://127.0.0.1:${port}/v1/traces`;
}

/** Starts Zipkin, which keeps its traces in memory. Shape: its address. Errors: Missing. */
export async function startZipkin(lab: Lab): Promise<string> {
  const folder = await folderOf(zipkin);
  const port = pickPort();
  const process = lab.start(
    "zipkin",
    ["java", "-Xmx256m", "-jar", `${folder}/lib/zipkin-server-exec.jar`],
    { env: { QUERY_PORT: String(port), STORAGE_TYPE: "mem" } },
  );
  const url = `http://127.0.0.1:${port}`;
  await until(
    async () => {
      if (process.ended) throw new Error(`Zipkin has ended:\n${await process.output()}`);
      const up = await fetch(`${url}/health`).then(async (response) => {
        await response.body?.cancel();
        return response.ok;
      }, () => false);
      return up ? true : undefined;
    },
    "Zipkin",
    startMs,
  );
  return url;
}
