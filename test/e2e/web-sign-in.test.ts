// Which key the page uses: a link sets one only where nobody is signed in, or after a question; and what one account
// typed, another never sends.
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
  readStorage,
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

  it("is taken from a link where nobody is signed in, and the page names the account", async () => {
    const { page } = await visitAsAda("&thread=linked");
    expect(await fragment(page)).toBe("#thread=linked");
    expect(await storedKey(page)).toBe(ada);
    const admin = await people.visit(people.stage.server.key);
    await account(admin.page, "user_first").waitFor();
  });

  it("survives a reload while its account is looked up", async () => {
    const context = await people.stage.browser.newContext({ locale: "en-GB" });
    context.setDefaultTimeout(60_000);
    const held = Promise.withResolvers<void>();
    await context.route("**/v1/users/me", (route) => held.promise.then(() => route.continue()));
    const page = await context.newPage();
    await page.goto(people.link(ada, "&thread=mine"));
    expect(await fragment(page)).toBe("#thread=mine");
    await page.reload();
    held.resolve();
    await account(page, "Ada").waitFor();
    expect([await fragment(page), await storedKey(page)]).toEqual(["#thread=mine", ada]);
    expect(await page.evaluate("JSON.stringify(sessionStorage)")).not.toContain(ada);
    await context.close();
  });

  it("of two links that are opened at once signs in both tabs, each at its place", async () => {
    const context = await people.stage.browser.newContext({ locale: "en-GB" });
    context.setDefaultTimeout(60_000);
    const [slow, quick] = [await context.newPage(), await context.newPage()];
    const held = Promise.withResolvers<void>();
    await slow.route("**/healthz", (route) => held.promise.then(() => route.continue()));
    await slow.goto(people.link(ada, "&thread=slow"));
    await quick.goto(people.link(ada, "&thread=quick"));
    await account(quick, "Ada").waitFor();
    held.resolve();
    await account(slow, "Ada").waitFor();
    expect([await fragment(slow), await fragment(quick)]).toEqual(["#thread=slow", "#thread=quick"]);
    await context.close();
  });

  it("is asked about where another is in use, with both names, and a link's is used for nothing until then; staying changes nothing", async () => {
    const { page, context, asked } = await visitAsAda();
    await mark(page);
    const before = await readStorage(page);
    for (const leave of ["Stay signed in as Ada", "Close", "Escape"]) {
      const other = await context.newPage();
      await other.goto(people.link(bob, "&thread=theirs"));
      const accounts = question(other).getByRole("definition");
      await expect.poll(() => accounts.allTextContents()).toEqual(["Adauser_ada", "Bobuser_bob"]);
      await expect.poll(() => other.evaluate("document.activeElement?.textContent")).toBe("Stay signed in as Ada");
      expect(await fragment(other)).toBe("");
      if (leave === "Escape") await other.keyboard.press(leave);
      else await button(other, leave).click();
      await question(other).waitFor({ state: "detached" });
      await account(other, "Ada").waitFor();
      expect(await readStorage(other)).toEqual(before);
      await other.reload();
      await account(other, "Ada").waitFor();
      await other.close();
    }
    expect(await isSame(page)).toBe(true);
    const paths = asked.filter(({ key }) => key === bob).map(({ path }) => path);
    expect(paths).toEqual(["/v1/users/me", "/v1/users/me", "/v1/users/me"]);
  });

  it("is switched in all tabs, and nothing of one account is in the other", async () => {
    const { page, context, asked } = await visitAsAda("&thread=secret");
    await send(page, "[[text done]]");
    await answer(page).waitFor();
    await box(page).fill("Ada's own thought");
    const other = await context.newPage();
    await other.goto(people.link(bob, "&thread=theirs"));
    await button(other, "Switch to Bob").click();
    for (const tab of [page, other]) await account(tab, "Bob").waitFor();
    expect(await fragment(other)).toBe("#thread=theirs");
    expect(await fragment(page)).toBe("");
    expect(await box(page).inputValue()).toBe("");
    expect(await page.getByText("[[text done]]").count()).toBe(0);
    expect(await storedKey(page)).toBe(bob);
    const before = asked.length;
    await send(page, "[[text of Bob]]");
    await answer(page).getByText("of Bob").waitFor();
    expect(asked.slice(before).filter(({ key }) => key !== bob)).toEqual([]);
    expect(JSON.stringify(await people.request(bob, "GET", "/v1/threads"))).not.toContain("secret");
    // Whoever comes back finds what they typed.
    await page.goto(people.link(ada, "&thread=secret"));
    await button(page, "Switch to Ada").click();
    await account(page, "Ada").waitFor();
    await account(other, "Ada").waitFor();
    await expect.poll(() => box(page).inputValue()).toBe("Ada's own thought");
  });

  it("takes no message of another account along: waiting messages are sent when their author is back, once", async () => {
    const eve = await people.makeUser("user_eve", "Eve");
    const { page, context, asked } = await visitAsAda("&thread=waits");
    await context.route(/\/ag-ui$|\/v1\/threads\/waits\/runs$/, (route) =>
      route.request().method() === "POST" ? route.abort() : route.continue(),
    );
    await send(page, "[[text got it]]");
    await page.getByText("Connection lost").waitFor();
    const other = await context.newPage();
    await other.goto(people.link(eve));
    await button(other, "Switch to Eve").click();
    for (const tab of [page, other]) await account(tab, "Eve").waitFor();
    await context.unroute(/\/ag-ui$|\/v1\/threads\/waits\/runs$/);
    // The same thread id in the same tab is the other account's own thread.
    await page.goto(`${people.origin}/#thread=waits`);
    await send(page, "[[text of Eve]]");
    await answer(page).getByText("of Eve").waitFor();
    expect(await page.getByText("got it").count()).toBe(0);
    expect(asked.filter(({ key, path }) => key === ada && path === "/ag-ui").length).toBeGreaterThan(0);
    await page.goto(people.link(ada, "&thread=waits"));
    await button(page, "Switch to Ada").click();
    await answer(page).getByText("got it", { exact: true }).waitFor();
    expect(await said(page)).toEqual(["[[text got it]]"]);
    expect(JSON.stringify(await people.request(eve, "GET", "/v1/threads/waits/messages"))).not.toContain("got it");
  });

  it("of a link is used without a question where the server refuses the stored one", async () => {
    const gone = await people.makeUser("user_gone", null);
    const { page, context } = await people.visit(gone);
    await account(page, "user_gone").waitFor();
    await page.close();
    const { data } = await people.request<{ data: { key_id: string }[] }>(gone, "GET", "/v1/api-keys");
    await people.request(gone, "DELETE", `/v1/api-keys/${data[0]?.key_id}`);
    const next = await context.newPage();
    await next.goto(people.link(bob, "&thread=taken"));
    await account(next, "Bob").waitFor();
    expect(await storedKey(next)).toBe(bob);
    expect(await fragment(next)).toBe("#thread=taken");
    expect(await question(next).count()).toBe(0);
  });

  it("stays where the server does not know a link's key, and the page reports that", async () => {
    const { page, asked } = await visitAsAda();
    const before = await readStorage(page);
    const unknown = bob.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    for (const key of [unknown, "guess", "", "%20", "key%0A", "\u{1f511}", "k".repeat(1_000_000)]) {
      const count = asked.length;
      await open(page, `thread=x&key=${key}`);
      await page.getByText("The API key in the link isn't valid. You are still signed in as Ada.").waitFor();
      const tried = asked.slice(count).filter((each) => each.key !== ada);
      expect(tried.map(({ path }) => path)).toEqual(key === unknown || key === "guess" ? ["/v1/users/me"] : []);
      await button(page, "Got it").click();
      expect(await page.getByRole("alert").count()).toBe(0);
      expect(await fragment(page)).toBe("");
    }
    expect(await readStorage(page)).toEqual(before);
    await account(page, "Ada").waitFor();
  });

  it("is asked about where both belong to one account, which keeps what it typed", async () => {
    const { key } = await people.request<{ key: string }>(ada, "POST", "/v1/api-keys");
    const { page, context } = await visitAsAda("&thread=kept");
    await box(page).fill("half a thought");
    const other = await context.newPage();
    await other.goto(people.link(key));
    await other.getByRole("dialog", { name: "Use another API key?" }).waitFor();
    await button(other, "Keep the current key").click();
    expect(await storedKey(page)).toBe(ada);
    await mark(page);
    await other.goto(people.link(key));
    await button(other, "Use the key in the link").click();
    await expect.poll(() => storedKey(page)).toBe(key);
    await expect.poll(() => isSame(page).catch(() => true)).toBe(false);
    await expect.poll(() => box(page).inputValue()).toBe("half a thought");
    expect(await fragment(page)).toBe("#thread=kept");
  });

  it("is asked about in Chinese where the page is in Chinese", async () => {
    const { page } = await people.visit(ada, { locale: "zh-CN" });
    await button(page, "账户：Ada").waitFor();
    await open(page, `key=${bob}`);
    await page.getByRole("dialog", { name: "切换账户？" }).waitFor();
    await button(page, "继续以 Ada 登录").click();
    expect(await storedKey(page)).toBe(ada);
  });

  it("is removed in all tabs on sign-out, with nothing of the account left", async () => {
    const { page, context } = await visitAsAda("&thread=left");
    await box(page).fill("half a thought");
    const other = await context.newPage();
    await other.goto(people.origin);
    await account(other, "Ada").click();
    await other.getByRole("menuitem", { name: "Sign out" }).click();
    for (const tab of [page, other]) {
      await tab.getByLabel("API key").waitFor();
      expect(await tab.evaluate("({ ...localStorage, ...sessionStorage })")).toEqual({});
      expect(await fragment(tab)).toBe("");
    }
    // A new sign-in covers all tabs again.
    await other.getByLabel("API key").fill(bob);
    await button(other, "Sign in").click();
    for (const tab of [page, other]) await account(tab, "Bob").waitFor();
  });
});
