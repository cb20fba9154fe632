/** The commands that ask a running sidecar: exit codes, output for programs, token, unix socket, ends. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { pickPort } from "../support/ports.ts";
import { type Lab, until } from "../support/process.ts";
import { askSidecar, linesOf } from "../support/process_commands.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  mesherCommand,
  type SidecarProcess,
  spawnSidecar,
  startRegistry,
  startSidecar,
} from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";

/** A consumer's sidecar that knows AccountService from a file. */
async function startStore(
  lab: Lab,
  env: Readonly<Record<string, string>> = {},
): Promise<SidecarProcess> {
  const port = serveApp(lab, (request) => {
    const { pathname } = new URL(request.url);
    return new Response(pathname, { status: pathname === "/bad" ? 500 : 200 });
  });
  const file = `${lab.folder}/services.yaml`;
  await Deno.writeTextFile(
    file,
    `- service: AccountService\n  instances: ["rest://127.0.0.1:${port}"]\n`,
  );
  return await startSidecar(lab, { name: "store", env: { REGISTRY: `file://${file}`, ...env } });
}

processStory(
  "commands, of a sidecar that is well: readable, for programs, with code 0",
  async (lab) => {
    const store = await startStore(lab);
    assertEquals((await callOnce(store.outbound, "http://AccountService/x")).status, 200);

    const status = await askSidecar(lab, store, "status");
    assertEquals([status.code, status.stderr], [0, ""]);
    assertMatch(status.stdout, /^a consumer without a name \(default\): ready$/m);
    assertMatch(status.stdout, /^AccountService {2}1 (?:healthy|warming)/m);
    const json = JSON.parse((await askSidecar(lab, store, "status", "--json")).stdout);
    assertEquals(json.services[0].service, "AccountService");
    assertEquals(json.readiness.ready, true);

    const explained = await askSidecar(
      lab,
      store,
      "explain",
      "-H",
      "X-Who: me",
      "POST",
      "AccountService/y",
    );
    assertEquals(explained.code, 0, explained.stderr);
    assertMatch(
      explained.stdout,
      /^POST http:\/\/AccountService\/y\nwould go to 127\.0\.0\.1:\d+$/m,
    );
    const answer = JSON.parse(
      (await askSidecar(lab, store, "explain", "--json", "AccountService")).stdout,
    );
    assertEquals(answer.service, "AccountService");

    const doctor = await askSidecar(lab, store, "doctor", "--json");
    const { asked, diagnoses } = JSON.parse(doctor.stdout);
    assertEquals([asked, doctor.code], [true, 0], doctor.stdout);
    const checks = new Set(diagnoses.map((one: { check: string }) => one.check));
    for (const check of ["registry", "endpoints", "names", "file descriptors", "state folder"]) {
      assert(checks.has(check), `${check} was not looked at`);
    }

    const top = await askSidecar(lab, store, "top", "--count", "2", "--seconds", "0.1");
    assertEquals(top.code, 0);
    assertEquals(top.stdout.match(/^ENDPOINT /gm)?.length, 2);
    // Asking has moved no counter: there was one call.
    const { services } = JSON.parse(
      (await askSidecar(lab, store, "top", "--count=1", "--json")).stdout,
    );
    assertEquals(services[0].endpoints[0].attempts, 1);
  },
);

processStory("commands, without a sidecar nobody can be asked, and that is code 2", async (lab) => {
  const port = pickPort();
  for (const args of [["status"], ["explain", "A/"], ["tap"], ["top"]]) {
    const { code, stdout, stderr } = await askSidecar(lab, { admin: port }, ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(
      stderr,
      new RegExp(`^mesher: no sidecar could be asked at 127\\.0\\.0\\.1:${port}: nob`),
    );
  }
  const stranger = serveApp(lab, () => new Response("<html>"));
  const { code, stderr } = await askSidecar(lab, { admin: stranger }, "status");
  assertEquals(code, 2);
  assertMatch(stderr, /is this the admin address of a mesher sidecar\?/);
});

processStory("commands, a sidecar that is not ready is code 1 with the reason", async (lab) => {
  const dead = pickPort();
  const store = await startSidecar(lab, { env: { REGISTRY: `http://127.0.0.1:${dead}` } });
  const { code, stdout } = await until(async () => {
    const result = await askSidecar(lab, store, "status");
    return /DOES NOT ANSWER/.test(result.stdout) ? result : undefined;
  }, "a sidecar that says so");
  assertEquals(code, 1);
  assertMatch(stdout, /NOT READY: the registry cannot be reached: .*Connection refused/);
});

processStory("commands, tap shows what it is asked for and ends at its limit", async (lab) => {
  const store = await startStore(lab);
  const tap = lab.start("tap", mesherCommand("tap", "--path=/bad", "--status=5xx", "--limit=2"), {
    env: { MESHER_ADMIN: `127.0.0.1:${store.admin}` },
  });
  await tap.line(/^TIME /);
  // The wish travels to the threads; calls before it has arrived are not seen.
  await until(async () => {
    for (const path of ["good", "bad"]) {
      await callOnce(store.outbound, `http://AccountService/${path}`);
    }
    return tap.ended || undefined;
  }, "the end of the tap");
  assertEquals(await tap.exited(), 0);
  const lines = linesOf(await tap.output());
  assertEquals(lines.length, 2, lines.join("\n"));
  for (const line of lines) {
    assertMatch(line, / out +500 +\S+ ms +127\.0\.0\.1:\d+ +GET AccountService\/bad/);
  }
});

processStory(
  "commands, tap ends with a signal, after its time, and with the sidecar",
  async (lab) => {
    const store = await startStore(lab);
    const start = (...args: string[]) =>
      lab.start("tap", mesherCommand("tap", "--json", ...args), {
        env: { MESHER_ADMIN: `127.0.0.1:${store.admin}` },
      });
    const [told, timed, left] = [
      start(),
      start("--seconds=0.3"),
      start("--service=AccountService"),
    ];
    // Each shows a call once it listens.
    for (const tap of [told, left]) {
      await until(async () => {
        await callOnce(store.outbound, "http://AccountService/x");
        return (await tap.output()).includes('"path":"/x"') || undefined;
      }, "a line of the tap");
    }
    assertEquals(await timed.exited(), 0);
    told.signal("SIGINT");
    assertEquals([await told.exited(), (await told.errors()).trim()], [0, ""]);
    store.process.signal("SIGKILL");
    assertEquals(await left.exited(), 0);
    assertEquals((await left.errors()).trim(), "mesher: the sidecar has ended");
  },
);

processStory(
  "commands, a token is wanted, taken from the environment or a flag, and never shown",
  async (lab) => {
    const token = "open-sesame-42";
    const store = await startStore(lab, { ADMIN_TOKEN: token });
    for (const command of ["status", "doctor", "tap"]) {
      const { code, stderr } = await askSidecar(lab, store, command);
      assertEquals(code, 2, command);
      assertMatch(stderr, /it wants a token: set MESHER_ADMIN_TOKEN, or --token/);
    }
    const wrong = await askSidecar(lab, store, "status", "--token", "open-sesame-43");
    assertMatch(wrong.stderr, /the token is wrong/);
    assert(!(wrong.stderr + wrong.stdout).includes("sesame"));
    assertEquals((await askSidecar(lab, store, "status", "--token", token)).code, 0);
    const fromEnvironment = await lab.run(mesherCommand("status"), {
      env: { MESHER_ADMIN: `127.0.0.1:${store.admin}`, MESHER_ADMIN_TOKEN: token },
    });
    assertEquals(fromEnvironment.code, 0, fromEnvironment.stderr);
  },
);

processStory("commands, a unix socket is an admin address like any other", async (lab) => {
  const path = `${lab.folder}/admin.sock`;
  const registry = await startRegistry(lab);
  const sidecar = spawnSidecar(lab, { env: { REGISTRY: registry.url, ADMIN: `unix:${path}` } });
  await sidecar.line(/mesher is up/);
  const status = await until(async () => {
    const result = await lab.run(mesherCommand("status", `--admin=unix:${path}`));
    return result.code === 0 ? result : undefined;
  }, "a sidecar that is ready");
  assertMatch(status.stdout, new RegExp(`admin unix:${path}$`, "m"));
  const { code, stdout } = await lab.run(
    mesherCommand("explain", `--admin=unix:${path}`, "Nobody/"),
  );
  assertEquals(code, 1);
  assertMatch(stdout, /would FAIL: 503 service_unknown/);
});

processStory("commands, doctor without a sidecar looks at what one would meet", async (lab) => {
  const taken = serveApp(lab, () => new Response("x"));
  const [admin, registry, app] = [pickPort(), pickPort(), pickPort()];
  const env = {
    MESHER_ADMIN: `127.0.0.1:${admin}`,
    MESHER_OUTBOUND: `127.0.0.1:${taken}`,
    MESHER_REGISTRY: `http://127.0.0.1:${registry}`,
    MESHER_SERVICE: "AccountService",
    MESHER_PORTS: `rest:${app}`,
    MESHER_INBOUND: "127.0.0.1:0",
    MESHER_STATE_DIR: "/proc/nowhere",
    http_proxy: "http://127.0.0.1:9",
  };
  const { code, stdout } = await lab.run(mesherCommand("doctor"), { env });
  assertEquals(code, 1);
  for (
    const words of [
      /PROBLEM +sidecar +no sidecar could be asked at/,
      new RegExp(
        `PROBLEM +listeners +outbound 127\\.0\\.0\\.1:${taken} cannot be listened on: another`,
      ),
      /PROBLEM +registry +the registry \S+ cannot be used/,
      new RegExp(`PROBLEM +application .*nothing listens on 127\\.0\\.0\\.1:${app}`),
      /warning +state folder +\/proc\/nowhere cannot be written to/,
      /warning +proxy variables +http_proxy=http:\/\/127\.0\.0\.1:9 leads elsewhere/,
      /^not looked at: .*keep-alive/m,
    ]
  ) assertMatch(stdout, words);

  const bad = await lab.run(mesherCommand("doctor"), { env: { ...env, MESHER_THREADS: "many" } });
  assertEquals(bad.code, 1);
  assertMatch(bad.stdout, /PROBLEM +configuration +threads: /);
  assertEquals(bad.stderr, "");
});

processStory(
  "commands, doctor in a sidecar finds what is wrong around it",
  async (lab) => {
    const registry = await startRegistry(lab);
    const app = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    lab.defer(() => app.close());
    const serving = serveImpatiently(app, 300);
    lab.defer(() => serving);
    const provider = await startSidecar(lab, {
      env: {
        REGISTRY: registry.url,
        SERVICE: "AccountService",
        PORTS: `rest:${app.addr.port}`,
        CHECK: "http:/health",
        TIMEOUTS_POOL_IDLE: "1s",
      },
    });
    const { stdout, code } = await askSidecar(lab, provider, "doctor", "--json");
    assertEquals(code, 1, stdout);
    const found = (JSON.parse(stdout).diagnoses as { check: string; level: string; says: string }[])
      .filter(({ level }) => level === "problem" || level === "warning");
    const says = (check: string) => found.find((one) => one.check === check)?.says ?? "nothing";
    assertMatch(
      says("keep-alive"),
      /closes idle connections after 300ms, but the pool keeps them 1s/,
    );
  },
);

/** Answers HTTP and closes a connection on which nothing is asked for a while. */
async function serveImpatiently(listener: Deno.TcpListener, idleMs: number): Promise<void> {
  const one = async (connection: Deno.TcpConn) => {
    const buffer = new Uint8Array(4096);
    const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      while (await connection.read(buffer) !== null) {
        clearTimeout(timer);
        await connection.write(answer);
        timer = setTimeout(() => void connection.closeWrite().catch(() => {}), idleMs);
      }
    } catch {
      // The caller has gone.
    }
    clearTimeout(timer);
    connection.close();
  };
  const open: Promise<void>[] = [];
  try {
    for await (const connection of listener) open.push(one(connection));
  } catch {
    // It was closed.
  }
  await Promise.all(open);
}
