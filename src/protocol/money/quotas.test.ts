import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { exceeded, fixedLimits, quotas } from "./quotas.ts";

it("the API's page has the usual numbers", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/api.md"), "utf8");
  const rows = Array.from(page.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm), ([, name = "", number = ""]) => [
    name,
    Number(number.replaceAll(",", "")),
  ]);
  const all = { ...quotas, ...fixedLimits };
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(Object.entries(all).map(([name, { usual }]) => [name, usual])),
  );
});

it("a refusal sends nobody to delete what can't be deleted", () => {
  expect(exceeded("agents", 200).detail).toMatch(/Delete what you no longer need, or ask whoever runs this server/);
  for (const name of ["agent_versions", "tickets"] as const) {
    const { detail } = exceeded(name, 3);
    expect(detail).not.toContain("Delete what");
    expect(detail).not.toContain("ask whoever");
  }
  expect(exceeded("agents", 200).detail).toMatch(/^Your quota of 200 agents \(things\) is used up/);
  expect(exceeded("pings_per_minute", 20, 5).detail).toMatch(
    /^The limit of 20 pings .* \(pings_per_minute\) is used up\.$/,
  );
  expect(exceeded("agent_versions", 1_000).detail).toContain("Versions stay as long as their agent");
  expect(exceeded("tickets", 300).detail).toContain("One that nobody uses ends after a minute");
});

it("a refusal of what is open says what makes room", () => {
  expect(exceeded("streams", 2, 5).detail).toMatch(/ Close some, or wait until some end\.$/);
  expect(exceeded("transfers", 2, 5).detail).toMatch(/ Close some, or wait until some end\.$/);
  expect(exceeded("runs_per_minute", 2, 2).detail).toMatch(/ is used up\.$/);
});
