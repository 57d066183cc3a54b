// `npm test`: all checks and tests, whatever failed before. The last line is `N passed, N failed`, and what failed is
// named before it. Each vitest test counts, and build, lint, types and costs count as one each. Costs, which mostly wait for a server, are counted beside
// lint and types; everything else comes one after another, since tests wait for limits and promise times. `--all` adds
// what is long by nature, as CI runs it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Count, countReport } from "./count.ts";
import { type Failure, findFailures, showFailures } from "./failures.ts";
import { costsStep, isStopping, root, runStep, staticSteps } from "./steps.ts";

const projects = [
  { name: "unit", title: "unit tests (with the floors)" },
  { name: "worker", title: "tests in workerd" },
  { name: "e2e", title: "end to end, and in the browser" },
  ...(process.argv.includes("--all") ? [{ name: "proofs", title: "long proofs, end to end" }] : []),
];

interface Outcome extends Count {
  failures: Failure[];
}

async function runProject(title: string, name: string, folder: string): Promise<Outcome> {
  const path = join(folder, `${name}.json`);
  const args = ["run", "--project", name, "--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
  const code = await runStep(title, "vitest", args);
  const report = await readFile(path, "utf8").catch(() => "");
  return { ...countReport(report, code), failures: findFailures(report, name, root, code) };
}

type Step = typeof costsStep;

async function check({ title, command, args }: Step, isBeside = false): Promise<Outcome> {
  const code = await runStep(title, command, args, { isBeside });
  if (code === 0) return { passed: 1, failed: 0, failures: [] };
  return { passed: 0, failed: 1, failures: [{ name: title, reason: `${command} ended with exit code ${code}` }] };
}

async function main(): Promise<void> {
  const outcomes: Outcome[] = [];
  if (!isStopping()) outcomes.push(await check({ title: "web page", command: "vite", args: ["build"] }));
  const costs = isStopping() ? [] : [check(costsStep, true)];
  for (const step of staticSteps) if (!isStopping()) outcomes.push(await check(step));
  outcomes.push(...(await Promise.all(costs)));
  const folder = await mkdtemp(join(tmpdir(), "taskloom-test-"));
  for (const { name, title } of projects) {
    if (!isStopping()) outcomes.push(await runProject(title, name, folder));
  }
  await rm(folder, { recursive: true, force: true });
  const sum = (pick: (count: Count) => number): number => outcomes.map(pick).reduce((one, other) => one + other, 0);
  const failed = sum((count) => count.failed);
  process.exitCode ??= failed === 0 ? 0 : 1;
  const what = showFailures(outcomes.flatMap(({ failures }) => failures));
  console.log(`${what}\n${sum((count) => count.passed)} passed, ${failed} failed`);
}

await main();
