import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { exceeded, quotas } from "./quotas.ts";

it("the API's page has the usual numbers", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/api.md"), "utf8");
  const rows = Array.from(page.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm), ([, name = "", number = ""]) => [
    name,
    Number(number.replaceAll(",", "")),
  ]);
  const rates = ["runs_per_minute", "runs_at_once", "changes_per_minute", "sums_per_minute", "pings_per_minute"];
  expect(rows.map(([name]) => name)).toEqual(expect.arrayContaining(rates));
  for (const [name, number] of rows) expect([name, quotas[name as keyof typeof quotas].usual]).toEqual([name, number]);
});

it("a refusal sends nobody to delete what can't be deleted", () => {
  expect(exceeded("agents", 200).detail).toMatch(/Delete what you no longer need, or ask whoever runs this server/);
  for (const name of ["agent_versions", "tickets", "sandbox_cpu", "sandbox_memory", "sandbox_disk"] as const) {
    const { detail } = exceeded(name, 3);
    expect(detail).not.toContain("Delete what");
    expect(detail).toMatch(/ask whoever runs this server for more\.$/);
  }
  expect(exceeded("agent_versions", 1_000).detail).toContain("Versions stay as long as their agent");
  expect(exceeded("tickets", 300).detail).toContain("One that nobody uses ends after a minute");
  expect(exceeded("sandbox_cpu", 2).detail).toMatch(/^Your quota of 2 cores of one sandbox \(sandbox_cpu\) is less/);
});

it("a refusal of what is open says what makes room", () => {
  expect(exceeded("streams", 2, 5).detail).toMatch(/ Close some, or wait until some end\.$/);
  expect(exceeded("transfers", 2, 5).detail).toMatch(/ Close some, or wait until some end\.$/);
  expect(exceeded("runs_per_minute", 2, 2).detail).toMatch(/ is used up\.$/);
});
