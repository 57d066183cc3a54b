// `npm run setup`.
import { join } from "node:path";
import { readSetupArguments, setupUsage } from "../deploy/arguments.ts";
import { showError } from "../deploy/failure.ts";
import { openReport } from "../deploy/report.ts";
import { endWithReader } from "../reader.ts";
import { hideArguments } from "../secrets.ts";
import { setUp } from "./setup.ts";
import { withTerminal } from "./terminal.ts";

const root = join(import.meta.dirname, "../..");

async function run(): Promise<void> {
  hideArguments("taskloom setup");
  const report = openReport((line) => console.log(line));
  const options = readSetupArguments(process.argv.slice(2));
  const hands = { report, environment: process.env };
  const isAsking = !options.isSilent && process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (isAsking) await withTerminal((terminal) => setUp(root, options, { ...hands, terminal }));
  else await setUp(root, options, { ...hands, terminal: null });
}

endWithReader();
if (process.argv.includes("--help")) console.log(setupUsage);
else
  run().catch((error: unknown) => {
    console.error(`\n${showError(error)}`);
    process.exitCode = 1;
  });
