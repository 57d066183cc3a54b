import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { quotas } from "./quotas.ts";

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
