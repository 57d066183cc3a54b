// Parts of the page that tests about signing in look at and use, and two people who have accounts.
import type { Page } from "playwright-core";
import { openVisitors, type Visitor, type Visitors } from "./web-visitors.ts";

export const box = (page: Page) => page.getByLabel("Message", { exact: true });
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
export const account = (page: Page, name: string) => button(page, `Account: ${name}`);
export const question = (page: Page) => page.getByRole("dialog", { name: "Switch accounts?" });
export const said = (page: Page) => page.locator("[data-said]").allTextContents();
export const answer = (page: Page) => page.locator("[data-answer=whole]");
export const fragment = (page: Page) => page.evaluate<string>("location.hash");
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

export interface Accounts {
  people: Visitors;
  /** Their keys. */
  ada: string;
  bob: string;
  /** Opens a link with Ada's key, and waits until the page knows whose it is. */
  visitAsAda(place?: string): Promise<Visitor>;
}

export async function openAccounts(): Promise<Accounts> {
  const people = await openVisitors();
  const ada = await people.makeUser("user_ada", "Ada");
  const bob = await people.makeUser("user_bob", "Bob");
  const visitAsAda = async (place = ""): Promise<Visitor> => {
    const visitor = await people.visit(ada, { place });
    await account(visitor.page, "Ada").waitFor();
    return visitor;
  };
  return { people, ada, bob, visitAsAda };
}
