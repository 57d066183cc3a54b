// `npm test`: all checks and tests, whatever failed before. The last line is `N passed, N failed`: each vitest test
// counts, and build, lint, types and costs count as one each. Costs, which mostly wait for a server, are counted beside
// lint and types; everything else comes one after another, since tests wait for limits and promise times. `--all` adds
// what is long by nature, as CI runs it.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Count, countReport } from "./count.ts";
import { costsStep, isStopping, runStep, staticSteps } from "./steps.ts";

const projects = [
  { name: "unit", title: "unit tests (with the floors)" },
  { name: "worker", title: "tests in workerd" },
  { name: "e2e", title: "end to end, and in the browser" },
  ...(process.argv.includes("--all") ? [{ name: "proofs", title: "long proofs, end to end" }] : []),
];

async function runProject(title: string, name: string, folder: string): Promise<Count> {
  const report = join(folder, `${name}.json`);
  const args = ["run", "--project", name, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const code = await runStep(title, "vitest", args);
  return countReport(await readFile(report, "utf8").catch(() => ""), code);
}

type Step = typeof costsStep;

async function check({ title, command, args }: Step, isBeside = false): Promise<Count> {
  const code = await runStep(title, command, args, { isBeside });
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function main(): Promise<void> {
  const counts: Count[] = [];
  if (!isStopping()) counts.push(await check({ title: "web page", command: "vite", args: ["build"] }));
  const costs = isStopping() ? [] : [check(costsStep, true)];
  for (const step of staticSteps) if (!isStopping()) counts.push(await check(step));
  counts.push(...(await Promise.all(costs)));
  const folder = await mkdtemp(join(tmpdir(), "taskloom-test-"));
  for (const { name, title } of projects) {
    if (!isStopping()) counts.push(await runProject(title, name, folder));
  }
  await rm(folder, { recursive: true, force: true });
  const sum = (pick: (count: Count) => number): number => counts.map(pick).reduce((one, other) => one + other, 0);
  const failed = sum((count) => count.failed);
  process.exitCode ??= failed === 0 ? 0 : 1;
  console.log(`\n${sum((count) => count.passed)} passed, ${failed} failed`);
}

await main();
