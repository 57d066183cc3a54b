// Accessibility faults that axe finds in a page.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

interface AxeResult {
  violations: { id: string; impact: string; nodes: { html: string }[] }[];
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The faults that axe calls serious or critical, as text. */
export async function listViolations(page: Page, within = "body"): Promise<string[]> {
  await page.evaluate(await axe);
  const { violations } = await page.evaluate<AxeResult>(`axe.run("${within}")`);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
