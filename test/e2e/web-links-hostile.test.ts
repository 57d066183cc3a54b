// Which key the page uses where links, pages and browsers are not as they should be: links of other sites and of scripts,
// links that were left, a server that can't be reached, a browser that stores nothing.
import type { FrameLocator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import {
  type Accounts,
  account,
  answer,
  box,
  button,
  fragment,
  isSame,
  mark,
  open,
  openAccounts,
  question,
  said,
  send,
  storedKey,
} from "./sign-in-page.ts";

let people: Accounts["people"];
let ada: string;
let bob: string;
let visitAsAda: Accounts["visitAsAda"];

describe.skipIf(!hasBrowser)("the key of the page", () => {
  beforeAll(async () => {
    ({ people, ada, bob, visitAsAda } = await openAccounts());
  });
  afterAll(async () => {
    await people?.close();
  });
  afterEach(async () => {
    await people.leave();
  });

  it("of a link left before its account was known signs nobody in later", async () => {
    const context = await people.stage.browser.newContext({ locale: "en-GB" });
    context.setDefaultTimeout(60_000);
    const held = Promise.withResolvers<void>();
    await context.route("**/v1/users/me", (route) => held.promise.then(() => route.continue()));
    const page = await context.newPage();
    await page.goto(people.link(bob));
    await page.goto("about:blank");
    await page.goto(people.origin);
    held.resolve();
    await page.getByLabel("API key").waitFor();
    expect([await storedKey(page), await page.evaluate("sessionStorage.length")]).toEqual([undefined, 0]);
    await context.close();
  });

  it("leads to the place of the newest link, even while its account is looked up", async () => {
    const context = await people.stage.browser.newContext({ locale: "en-GB" });
    context.setDefaultTimeout(60_000);
    const held = Promise.withResolvers<void>();
    await context.route("**/v1/users/me", (route) => held.promise.then(() => route.continue()));
    const page = await context.newPage();
    await page.goto(people.link(ada, "&thread=first"));
    await open(page, `key=${ada}&thread=second`);
    held.resolve();
    await account(page, "Ada").waitFor();
    expect(await fragment(page)).toBe("#thread=second");
    await context.close();
  });

  it("is asked about in a tab that is already open: after a click in the page, by a script, with the back button", async () => {
    const { page } = await visitAsAda("&thread=mine");
    await mark(page);
    await box(page).fill("half a thought");
    const ways = [
      `document.body.insertAdjacentHTML("beforeend", '<a id="trap" href="#x&%6bey=${bob}&thread=theirs">go</a>'); trap.click()`,
      `location.hash = "key=${bob}&settings=keys"`,
      `history.pushState(null, "", "#key=${bob}"); history.pushState(null, "", "#thread=mine"); history.back()`,
    ];
    for (const way of ways) {
      await page.evaluate(way);
      await question(page).waitFor();
      expect(await page.evaluate<string>("location.href")).not.toContain(bob);
      await button(page, "Stay signed in as Ada").click();
      await question(page).waitFor({ state: "detached" });
      expect(await box(page).inputValue()).toBe("half a thought");
      expect(await fragment(page)).toBe("#thread=mine");
    }
    expect(await storedKey(page)).toBe(ada);
    expect(await isSame(page)).toBe(true);
  });

  it("is asked about where another site's page opens the link; from a preview's frame it does not even open", async () => {
    const { page, context } = await visitAsAda();
    const opener = `<button onclick="open('${people.link(bob)}', '_blank', 'noopener')">open</button>`;
    await context.route("http://elsewhere.invalid/", (route) =>
      route.fulfill({ contentType: "text/html", body: opener }),
    );
    const press = async (within: Page | FrameLocator): Promise<Page> => {
      const opened = context.waitForEvent("page");
      await within.getByRole("button", { name: "open" }).click();
      return opened;
    };
    // Built like the page's own preview frame: its windows have the same sandbox, and the page refuses to be in one.
    await page.evaluate(`{
      const frame = document.createElement("iframe");
      frame.id = "trap";
      frame.sandbox = "allow-scripts allow-forms allow-popups allow-modals allow-downloads allow-same-origin";
      frame.src = "http://elsewhere.invalid/";
      document.body.prepend(frame);
    }`);
    const confined = await press(page.frameLocator("#trap"));
    await expect.poll(() => confined.url()).toMatch(/^chrome-error:/);
    const elsewhere = await context.newPage();
    await elsewhere.goto("http://elsewhere.invalid/");
    await question(await press(elsewhere)).waitFor();
    await elsewhere.evaluate(`location = "${people.link(bob)}"`);
    await question(elsewhere).waitFor();
    expect(await storedKey(page)).toBe(ada);
    await account(page, "Ada").waitFor();
  });

  it("takes over nothing that another account typed, even after a refusal", async () => {
    const { page, asked } = await visitAsAda("&thread=refused");
    await page.route("**/ag-ui", (route) => route.fulfill({ status: 401, json: { code: "unauthorized", title: "" } }));
    await send(page, "[[text got it]]");
    await page.getByText("Your API key is no longer valid.").waitFor();
    await page.unroute("**/ag-ui");
    await page.getByLabel("API key").fill(bob);
    await button(page, "Sign in").click();
    await account(page, "Bob").waitFor();
    await page.goto(`${people.origin}/#thread=refused`);
    await send(page, "[[text of Bob]]");
    await answer(page).getByText("of Bob").waitFor();
    expect(await said(page)).toEqual(["[[text of Bob]]"]);
    expect(asked.filter(({ key, path }) => key === bob && path === "/ag-ui")).toHaveLength(1);
  });

  it("is asked about in a browser that stores nothing", async () => {
    const script = `
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get() { throw new DOMException("refused", "SecurityError"); } });
    `;
    const { page } = await people.visit(ada, { script });
    await account(page, "Ada").waitFor();
    await box(page).fill("half a thought");
    await open(page, `key=${bob}&thread=theirs`);
    await button(page, "Switch to Bob").click();
    await account(page, "Bob").waitFor();
    await expect.poll(() => box(page).inputValue()).toBe("");
    expect(await fragment(page)).toBe("#thread=theirs");
  });

  it("is asked about while the server can't be reached, and switched only once the account is known", async () => {
    const { page, context } = await visitAsAda();
    await context.route("**/v1/users/me", (route) => route.abort());
    await open(page, `key=${bob}`);
    await question(page).getByText("The server can't tell whose it is").waitFor();
    await button(page, "Switch to the other account").click();
    await page.getByText("The server still can't tell whose key it is.").waitFor();
    expect(await storedKey(page)).toBe(ada);
    await context.unroute("**/v1/users/me");
    await button(page, "Switch to the other account").click();
    await account(page, "Bob").waitFor();
  });

  it("can't be set by a link in a reply: that stays text", async () => {
    const { page } = await visitAsAda();
    const own = people.origin;
    await box(page).fill(
      `[[text [click](${own}/#key=${bob}) [here](${own.replace("localhost", "127.0.0.1")}/x?a#x&%6bey=${bob}) [web](https://web.invalid/#key=1)]]`,
    );
    await box(page).press("Enter");
    await answer(page).getByText("click").waitFor();
    expect(await answer(page).locator("a").allTextContents()).toEqual(["web"]);
  });
});
