// `npm run contract -- --url URL --key KEY`: whether a Daytona does what Taskloom needs, as a table. It makes about
// twenty small sandboxes, four builds and two snapshots there, and deletes what it made (docs/sandboxes.md).
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeArgument, hideArguments, readSecretFile } from "../../../dev/secrets.ts";
import { describeOutcomes, type Outcome } from "./report.ts";

const usage = `usage: npm run contract -- --url https://app.daytona.io/api [--key KEY | --key-file FILE] [--target REGION]
       npm run contract -- --toolbox http://127.0.0.1:2280
The key may also be in DAYTONA_API_KEY. --only WORDS runs the tests whose names have them.`;

interface Wanted {
  env: Record<string, string>;
  only: string | undefined;
}

async function readArguments(): Promise<Wanted> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { url: text, key: text, "key-file": text, target: text, toolbox: text, only: text },
  });
  const { url, key, target, toolbox, only } = values;
  if (key !== undefined) {
    hideArguments("taskloom-contract");
    console.error(describeArgument("--key", "--key-file or DAYTONA_API_KEY"));
  }
  const file = values["key-file"];
  const secret = key ?? (file === undefined ? process.env.DAYTONA_API_KEY : await readSecretFile("--key-file", file));
  for (const address of [url, toolbox]) {
    if (address !== undefined && !URL.canParse(address)) throw new Error("--url and --toolbox must be addresses");
  }
  if (toolbox !== undefined) {
    return { env: { DAYTONA_TOOLBOX_URL: toolbox, ...(secret ? { DAYTONA_API_KEY: secret } : {}) }, only };
  }
  if (url === undefined || !secret) throw new Error("an address and a key are needed");
  const env = { DAYTONA_API_URL: url, DAYTONA_API_KEY: secret, DAYTONA_TOOLBOX_URL: "" };
  return { env: target === undefined ? env : { ...env, DAYTONA_TARGET: target }, only };
}

/** The child gets no arguments that are secrets: they are in its environment. */
function runSuite({ env, only }: Wanted, output: string): Promise<void> {
  const args = ["vitest", "run", "--config", join(import.meta.dirname, "vitest.config.ts")];
  args.push("--reporter=default", "--reporter=json", `--outputFile.json=${output}`, ...(only ? ["-t", only] : []));
  return new Promise((resolve, reject) => {
    const child = spawn("npx", args, { env: { ...process.env, ...env }, stdio: ["ignore", 2, 2] });
    child.once("error", reject);
    child.once("close", () => resolve());
  });
}

async function main(): Promise<void> {
  let wanted: Wanted;
  try {
    wanted = await readArguments();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "taskloom-contract-"));
  try {
    const output = join(folder, "outcomes.json");
    await runSuite(wanted, output);
    const { testResults } = JSON.parse(await readFile(output, "utf8")) as {
      testResults: { assertionResults: Outcome[] }[];
    };
    // With --only, the rest is not of interest.
    const outcomes = testResults.flatMap(({ assertionResults }) => assertionResults);
    const run = wanted.only === undefined ? outcomes : outcomes.filter(({ status }) => /passed|failed/.test(status));
    const { table, failures, failed } = describeOutcomes(run);
    console.log(failures === "" ? table : `${table}\n\nFailed:\n\n${failures}`);
    // A suite that could not begin has no outcomes.
    process.exitCode = failed > 0 || run.length === 0 ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
