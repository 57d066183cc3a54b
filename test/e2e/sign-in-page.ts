// Parts of the page that tests about signing in look at and use.
import type { Page } from "playwright-core";

export const box = (page: Page) => page.getByLabel("Message", { exact: true });
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
export const account = (page: Page, name: string) => button(page, `Account: ${name}`);
export const question = (page: Page) => page.getByRole("dialog", { name: "Switch accounts?" });
export const said = (page: Page) => page.locator("[data-said]").allTextContents();
export const answer = (page: Page) => page.locator("[data-answer=whole]");
export const fragment = (page: Page) => new URL(page.url()).hash;
export const readStorage = (page: Page) => page.evaluate<Record<string, string>>("({ ...localStorage })");
export const storedKey = async (page: Page) => (await readStorage(page))["taskloom key"];
export const open = (page: Page, place: string) => page.evaluate(`location.hash = ${JSON.stringify(place)}`);

export async function send(page: Page, text: string): Promise<void> {
  await box(page).fill(text);
  await box(page).press("Enter");
}

/** Identifies a tab for as long as it is not reloaded. */
export const mark = (page: Page) => page.evaluate("window.isSame = true");
export const isSame = (page: Page) => page.evaluate<boolean>("window.isSame === true");
