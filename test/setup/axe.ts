// Accessibility faults that axe finds in a page.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

interface AxeResult {
  violations: { id: string; impact: string; nodes: { html: string }[] }[];
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What depends on colors. */
const rulesOfColor = ["color-contrast", "link-in-text-block"];

/** The faults that axe calls serious or critical, as text. */
export async function listViolations(page: Page, within = "body", rules?: string[]): Promise<string[]> {
  await page.evaluate(await axe);
  const options = JSON.stringify(rules === undefined ? {} : { runOnly: rules });
  const { violations } = await page.evaluate<AxeResult>(`axe.run("${within}", ${options})`);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/**
 * In each color scheme, to which the open page changes as a person's system does. The page remains the same one, so the
 * second scheme can have other faults of color only.
 */
export async function listViolationsInBoth(page: Page, within?: string): Promise<{ light: string[]; dark: string[] }> {
  await choose(page, "light");
  const light = await listViolations(page, within);
  await choose(page, "dark");
  return { light, dark: await listViolations(page, within, rulesOfColor) };
}

/**
 * Until the colors have changed: a transition shows others on the way, so each is put at its end. The page hears of the
 * change in one frame and begins transitions in the next, and so do those that take another's place.
 */
async function choose(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(`(async () => {
    for (;;) {
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const running = document.getAnimations().filter((each) => each instanceof CSSTransition);
      if (running.length === 0) return;
      for (const each of running) each.finish();
    }
  })()`);
}
