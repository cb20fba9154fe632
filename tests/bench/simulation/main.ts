/** Compares the balancers in a simulated fleet and prints Markdown: `deno run -A tests/bench/simulation/main.ts`. */
import { balancerKinds } from "../../../lib/core/traffic.ts";
import { fleet, type Measured, type Row, simulate, type World } from "./world.ts";

type Name = Omit<Row, "ejection">;

function cells({ p50Ms, p99Ms, errorShare, skew }: Measured): string {
  const errors = (errorShare * 100).toFixed(2);
  return `${p50Ms.toFixed(1)} | ${p99Ms.toFixed(0)} | ${errors} | ${skew.toFixed(2)}`;
}

function table(world: World, rows: readonly Name[]): void {
  const columns = "p50 ms | p99 ms | errors % | skew";
  console.log(`\n| no ejection, then with it | ${columns} | ${columns} |`);
  console.log(`|---|${"---|".repeat(8)}`);
  for (const row of rows) {
    const without = simulate(world, { ...row, ejection: false });
    const ejecting = simulate(world, { ...row, ejection: true });
    const name = row.kind + (row.locality === "off" ? "" : ", own zone first");
    console.log(`| ${name} | ${cells(without)} | ${cells(ejecting)} |`);
  }
}

const anywhere = balancerKinds.map((kind): Name => ({ kind, locality: "off" }));
const nearFirst = (["round_robin", "peak_ewma"] as const)
  .map((kind): Name => ({ kind, locality: "prefer" }));

const { instances, sidecars, slow, dead, slowFactor, farMs, farShare, serviceMs } = fleet;
console.log(
  `${sidecars} sidecars call ${instances} instances of about ${serviceMs} ms, at half of what these can do: ` +
    `${slow} are ${slowFactor} times as slow, ${dead} is dead (refuses every other connection, lets the rest ` +
    `time out after 1 s), ${instances * farShare} are in another zone, ${farMs} ms away, with ` +
    `${
      sidecars * farShare
    } of the sidecars. No retries. All calls count, failed ones too; skew is the busiest ` +
    `well instance against the mean of the well ones.`,
);
table(fleet, [...anywhere, ...nearFirst]);
console.log("\nThe same, and every instance fails one call in a hundred at once:");
table({ ...fleet, flakyShare: 0.01 }, anywhere);
