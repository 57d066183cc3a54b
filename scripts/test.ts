// `npm test`: all checks and tests, whatever failed before. The last line is `N passed, N failed`, and what failed is
// named before it. Each vitest test counts, and build, lint, types and costs count as one each. End-to-end tests often
// wait, and all others mostly compute, so both run side by side, in two lanes. `--all` adds what is long by nature, as
// CI runs it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Count, countReport } from "./count.ts";
import { type Failure, findFailures, showFailures } from "./failures.ts";
import { runLanes } from "./lanes.ts";
import { costsStep, isStopping, root, runStep, staticSteps } from "./steps.ts";
import { takeTurns } from "./turns.ts";

interface Outcome extends Count {
  failures: Failure[];
}

interface Work {
  title: string;
  run(say: (text: string) => void): Promise<Outcome>;
}

const folder = await mkdtemp(join(tmpdir(), "taskloom-test-"));

function tests(name: string, title: string, shard?: string): Work {
  const path = join(folder, `${name}-${shard?.replace("/", "-") ?? "all"}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
  const args = ["run", "--project", name, ...reporters, ...(shard === undefined ? [] : ["--shard", shard])];
  return {
    title,
    async run(say) {
      const code = await runStep(title, "vitest", args, { say, variables });
      const report = await readFile(path, "utf8").catch(() => "");
      return { ...countReport(report, code), failures: findFailures(report, name, root, code) };
    },
  };
}

function check({ title, command, args }: typeof costsStep): Work {
  return {
    title,
    async run(say) {
      const code = await runStep(title, command, args, { say });
      if (code === 0) return { passed: 1, failed: 0, failures: [] };
      return { passed: 0, failed: 1, failures: [{ name: title, reason: `${command} ended with exit code ${code}` }] };
    },
  };
}

const isAll = process.argv.includes("--all");

/** For `test/setup/run-count.ts`. */
const variables: Record<string, string> = isAll ? {} : { SHORT_RUNS: "1" };

/** Needed by both lanes. */
const page = check({ title: "web page", command: "vite", args: ["build"] });

const computing = [...[...staticSteps, costsStep].map(check), tests("worker", "tests in workerd")];

/** Unit tests never wait. They stand here since both lanes are as long then. */
const waiting = [tests("e2e", "end to end, and in the browser"), tests("unit", "unit tests (with the floors)")];

/** In parts, of which each lane takes the next one. */
const proofs = isAll
  ? ["1/4", "2/4", "3/4", "4/4"].map((shard) => tests("proofs", `long proofs, end to end (${shard})`, shard))
  : [];

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  const print = (text: string): void => void process.stdout.write(text);
  outcomes.push(await page.run(print));
  const speaker = takeTurns(print);
  const speakers = [speaker(), speaker()];
  await runLanes([computing, waiting], proofs, async (work, lane) => {
    if (!isStopping()) outcomes.push(await work.run((text) => speakers[lane]?.say(text)));
  });
  for (const { end } of speakers) end();
  await rm(folder, { recursive: true, force: true });
  const sum = (pick: (count: Count) => number): number => outcomes.map(pick).reduce((one, other) => one + other, 0);
  const failed = sum((count) => count.failed);
  process.exitCode ??= failed === 0 ? 0 : 1;
  const what = showFailures(outcomes.flatMap(({ failures }) => failures));
  console.log(`${what}\n${sum((count) => count.passed)} passed, ${failed} failed`);
}

await main();
