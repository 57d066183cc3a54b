// `npm run deploy`.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { endWithReader } from "../reader.ts";
import { deployUsage, readDeployArguments } from "./arguments.ts";
import { deploy } from "./deploy.ts";
import { showError } from "./failure.ts";
import { openReport } from "./report.ts";
import type { Wrangler } from "./wrangler.ts";

const root = join(import.meta.dirname, "../..");
let running: Wrangler | null = null;
const leftovers = new Set<string>();

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => {
    leave();
    process.exit(code);
  });
}
endWithReader(leave);

/** The next run goes on from here. */
function leave(): void {
  running?.stop();
  for (const path of leftovers) rmSync(path, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const report = openReport((line) => console.log(line));
  const options = readDeployArguments(process.argv.slice(2));
  await deploy(root, options, { report, leftovers, onStart: (wrangler) => (running = wrangler) });
}

if (process.argv.includes("--help")) console.log(deployUsage);
else
  run().catch((error: unknown) => {
    console.error(`\n${showError(error)}`);
    process.exitCode = 1;
  });
