// Signing in to the page without a key: with the server's sign-in, whose session the browser holds in a cookie.
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolations } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { type Answers, answerForPeople } from "../setup/people-answers.ts";
import { openVisitors, type Visitors } from "./web-visitors.ts";

let people: Visitors;
let ada: string;
let bob: string;

const usual = { locale: "en-GB", viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" } as const;
const all = ["read", "run", "write"];
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const box = (page: Page) => page.getByLabel("Message", { exact: true });
const account = (page: Page, name: string) => button(page, `Account: ${name}`);

async function visit(
  place = "",
  { isSignedIn = true, ...options }: BrowserContextOptions & { isSignedIn?: boolean } = {},
) {
  const context = await people.stage.browser.newContext({ ...usual, ...options });
  context.setDefaultTimeout(60_000);
  const answers = await answerForPeople(context, { key: ada, me: { user_id: "user_ada", name: "Ada", scopes: all } });
  answers.isSignedIn = isSignedIn;
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // What the browser says where a session has ended, or a conversation has not begun.
    if (message.type() === "error" && !/\b40[14]\b/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${people.origin}/${place}`);
  return { context, page, answers, complaints, close: () => context.close() };
}

const withKey = ({ asked }: Answers) => asked.filter(({ hasKey }) => hasKey);
const widthOver = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

describe.skipIf(!hasBrowser)("signing in without a key", () => {
  beforeAll(async () => {
    people = await openVisitors();
    ada = await people.makeUser("user_ada", "Ada");
    bob = await people.makeUser("user_bob", "Bob");
  });
  afterAll(async () => {
    await people?.close();
  });

  it("is offered before the key, leads back to the same conversation, and works without any key", async () => {
    const { page, answers, complaints, close } = await visit("#thread=begun", { isSignedIn: false });
    const link = page.getByRole("link", { name: "Sign in with Example" });
    await link.waitFor();
    await page.getByLabel("API key").waitFor();
    expect(await listViolations(page)).toEqual([]);
    await expect.poll(() => page.evaluate("document.activeElement?.textContent")).toBe("Sign in with Example");
    await page.keyboard.press("Enter");
    await account(page, "Ada").waitFor();
    expect(await page.evaluate("location.hash")).toBe("#thread=begun");
    await box(page).fill("[[text by a session]]");
    await page.keyboard.press("Enter");
    await page.locator("[data-answer=whole]").getByText("by a session").waitFor();
    expect(withKey(answers)).toEqual([]);
    await page.reload();
    await page.locator("[data-answer=whole]").getByText("by a session").waitFor();
    expect(await page.evaluate("JSON.stringify({ ...localStorage })")).not.toContain("tl_");
    expect(complaints).toEqual([]);
    await close();
  });

  it("is not offered where the server has no sign-in, and nothing is asked then", async () => {
    const context = await people.stage.browser.newContext(usual);
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const paths: string[] = [];
    page.on("request", (request) => paths.push(new URL(request.url()).pathname));
    await page.goto(people.origin);
    await page.getByLabel("API key").waitFor();
    await page.getByText("Ask the server operator for one.").waitFor();
    expect(await page.getByRole("link").count()).toBe(0);
    expect(paths).not.toContain("/v1/users/me");
    await context.close();
  });

  it("is explained when the server refused it, once and in both languages", async () => {
    const { page, close } = await visit("?sign_in=not_allowed", { isSignedIn: false });
    await page.getByText("You have no account on this server.").waitFor();
    expect(await page.evaluate("location.search")).toBe("");
    await page.reload();
    await page.getByRole("link", { name: "Sign in with Example" }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.goto(`${people.origin}/?sign_in=of_a_later_version`);
    await page.getByText("Sign-in failed.").waitFor();
    await close();
    const phone = { locale: "zh-CN", viewport: { width: 360, height: 640 }, isSignedIn: false };
    const chinese = await visit("?sign_in=disabled", phone);
    await chinese.page.getByText("你的账户已停用。").waitFor();
    await chinese.page.getByRole("link", { name: "使用 Example 登录" }).waitFor();
    expect(await widthOver(chinese.page)).toBe(0);
    await chinese.close();
  });

  it("is asked for again when the session has ended, and what was typed and sent is kept", async () => {
    const { page, answers, close } = await visit("#thread=ended");
    await account(page, "Ada").waitFor();
    answers.isSignedIn = false;
    await box(page).fill("[[text sent again]]");
    await page.keyboard.press("Enter");
    await page.getByText("Your session has ended.").waitFor();
    await page.getByRole("link", { name: "Sign in with Example" }).click();
    await page.locator("[data-answer=whole]").getByText("sent again").waitFor();
    expect(await page.locator("[data-said]").allTextContents()).toEqual(["[[text sent again]]"]);
    await box(page).fill("half a thought");
    answers.isSignedIn = false;
    await page.reload();
    await page.getByText("Your session has ended.").waitFor();
    await page.getByRole("link", { name: "Sign in with Example" }).click();
    await expect.poll(() => box(page).inputValue()).toBe("half a thought");
    await close();
  });

  it("ends in all tabs, and leads to where the person signs out of the issuer", async () => {
    const { context, page, answers, close } = await visit("#thread=left");
    await account(page, "Ada").waitFor();
    const other = await context.newPage();
    await other.goto(people.origin);
    await context.route("http://issuer.invalid/*", (route) => route.fulfill({ body: "signed out" }));
    answers.redirect_to = "http://issuer.invalid/logout";
    await account(other, "Ada").click();
    await other.getByText(/^Signed in until \d/).waitFor();
    await other.getByRole("menuitem", { name: "Sign out", exact: true }).click();
    await other.waitForURL("http://issuer.invalid/logout");
    await page.getByRole("link", { name: "Sign in with Example" }).waitFor();
    expect(await page.evaluate("Object.keys({ ...localStorage, ...sessionStorage })")).toEqual([]);
    expect(await page.evaluate("location.hash")).toBe("");
    await close();
  });

  it("can be left where the server lets the person not in", async () => {
    const { context, page, answers, close } = await visit("", { isSignedIn: false });
    const json = {
      status: 403,
      title: "Not allowed",
      code: "forbidden",
      detail: "This account is disabled. Ask an administrator.",
    };
    answers.isSignedIn = true;
    const me = "**/v1/users/me";
    await context.route(me, (route) => (answers.isSignedIn ? route.fulfill({ status: 403, json }) : route.fallback()));
    await page.reload();
    await page.getByText("This account is disabled. Contact an admin.").waitFor();
    await button(page, "Sign out").click();
    await page.getByRole("link", { name: "Sign in with Example" }).waitFor();
    expect(answers.asked.map(({ path }) => path)).toContain("/auth/sign-out");
    await close();
  });

  it("stays, and says so, where the server can't end the session", async () => {
    const { context, page, answers, close } = await visit();
    await account(page, "Ada").click();
    await context.route("**/auth/sign-out", (route) => route.abort());
    await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
    await page.getByRole("alert").getByText("You are still signed in").waitFor();
    await button(page, "Got it").click();
    await context.unroute("**/auth/sign-out");
    await account(page, "Ada").click();
    answers.more = { "DELETE /v1/sessions": () => undefined };
    await page.getByRole("menuitem", { name: "Sign out everywhere" }).click();
    await page.getByLabel("API key").waitFor();
    const ended = answers.asked.filter(({ method }) => method === "DELETE");
    expect(ended.map(({ path, query }) => `${path}?${query}`)).toEqual(["/v1/sessions?except=current"]);
    await close();
  });

  it("is not looked up over and over where one request of a session that holds is refused", async () => {
    const { context, page, answers, close } = await visit();
    await account(page, "Ada").waitFor();
    await context.route("**/v1/sessions", (route) => route.fulfill({ status: 401, json: { code: "unauthorized" } }));
    await page.evaluate(`location.hash = "settings=sessions"`);
    await page.getByText("Your session has ended.").waitFor();
    expect(answers.asked.filter(({ path }) => path === "/v1/users/me").length).toBeLessThan(4);
    await close();
  });

  it("is not replaced by a link's key without a question, and ends if the person chooses the key", async () => {
    const { page, answers, close } = await visit(`#key=${bob}&thread=theirs`);
    const question = page.getByRole("dialog", { name: "Switch accounts?" });
    await question.waitFor();
    const accounts = question.getByRole("definition");
    await expect.poll(() => accounts.allTextContents()).toEqual(["Adauser_ada", "Bobuser_bob"]);
    expect(await page.evaluate("location.hash")).toBe("");
    await button(page, "Stay signed in as Ada").click();
    expect(withKey(answers).map(({ path }) => path)).toEqual(["/v1/users/me"]);
    await page.evaluate(`location.hash = "key=${bob}&thread=theirs"`);
    await button(page, "Switch to Bob").click();
    await account(page, "Bob").waitFor();
    expect(await page.evaluate("location.hash")).toBe("#thread=theirs");
    expect(answers.isSignedIn).toBe(false);
    await account(page, "Bob").click();
    expect(await page.getByRole("menuitem", { name: "Sign out everywhere" }).count()).toBe(0);
    await close();
  });

  it("can't be pretended by a text in a key's place", async () => {
    const { page, answers, close } = await visit("", { isSignedIn: false });
    await page.getByLabel("API key").fill("session sess_01jdf3k8x2m4n6p8q0r2s4t6v8");
    answers.isSignedIn = true;
    await button(page, "Sign in").click();
    await page.getByText("That API key isn't valid.").waitFor();
    await close();
  });

  it("shows where else the person is signed in, and ends that", async () => {
    const first = {
      session_id: "sess_01jdf3k8x2m4n6p8q0r2s4t6v8",
      created_at: "2026-01-02T10:00:00.000Z",
      expires_at: "2026-01-03T10:00:00.000Z",
      last_used_at: "2026-01-02T12:00:00.000Z",
      user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
      address: "203.0.113.9",
      current: true,
    };
    const phone = {
      ...first,
      session_id: "sess_phone",
      user_agent: "Mozilla/5.0 (iPhone) Safari/604.1",
      current: false,
    };
    const tablet = { ...phone, session_id: "sess_tablet", user_agent: null, address: null };
    const { page, answers, complaints, close } = await visit("#settings=sessions");
    let rows = [first, phone, tablet];
    answers.more = {
      "GET /v1/sessions": () => ({ data: rows, next_cursor: null }),
      "GET /v1/api-keys/*/made": () => ({ data: [] }),
      "DELETE /v1/sessions/*": ({ path }) => {
        rows = rows.filter(({ session_id }) => !path.endsWith(session_id));
      },
      "DELETE /v1/sessions": () => {
        rows = [first];
      },
    };
    await page.reload();
    const settings = page.getByRole("dialog", { name: "Settings" });
    const row = (name: string) => settings.getByRole("listitem").filter({ hasText: name });
    await row("Firefox on Linux").getByText("This browser").waitFor();
    await row("Firefox on Linux").getByText("203.0.113.9 · last used").waitFor();
    await row("Unknown browser").getByText("unknown address").waitFor();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await settings.getByRole("button", { name: "End the session of Safari on iPhone" }).click();
    const question = page.getByRole("dialog", { name: "End this session?" });
    await question.getByLabel("Revoke what it created").check();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await question.getByRole("button", { name: "End" }).click();
    // While the question is open nothing of the settings counts as shown.
    const ended = () => answers.asked.findLast(({ method }) => method === "DELETE")?.query.get("made");
    await expect.poll(ended).toBe("revoke");
    await expect.poll(() => settings.getByText("Safari on iPhone").count()).toBe(0);
    await settings.getByRole("button", { name: "End all others" }).click();
    await page
      .getByRole("dialog", { name: "End all other sessions?" })
      .getByRole("button", { name: "End all" })
      .click();
    await expect.poll(() => settings.getByText("unknown address").count()).toBe(0);
    await expect.poll(() => settings.getByRole("button", { name: "End all others" }).count()).toBe(0);
    await row("Firefox on Linux").getByRole("button", { name: "Sign out" }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});
