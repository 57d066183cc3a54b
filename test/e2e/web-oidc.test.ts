// Signing in with OpenID Connect in a real browser: `npm start`, an issuer at another site, and the cookies as a
// browser keeps and sends them.
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { type OidcIssuer, startOidcIssuer } from "../setup/oidc-issuer.ts";
import { makeState, type StartedServer, type StatePlace, startServer } from "../setup/started-server.ts";

let issuer: OidcIssuer;
let place: StatePlace;
let server: StartedServer;
let browser: Browser;
let origin: string;
let contexts: BrowserContext[] = [];

interface Opened {
  context: BrowserContext;
  page: Page;
  /** The addresses that it went to, without fragments: the page takes a code out of its own. */
  visited: string[];
}

async function open(path = "/auth/sign-in"): Promise<Opened> {
  const context = await browser.newContext({ locale: "en-GB" });
  contexts.push(context);
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const visited: string[] = [];
  page.on("request", (request) => {
    if (request.isNavigationRequest()) visited.push(request.url());
  });
  await page.goto(origin + path);
  return { context, page, visited };
}

/** The first of the issuer's two pages. */
async function logIn(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
}

const consent = (page: Page) => page.getByRole("button", { name: "Continue" }).click();
/** An issuer that has the person's consent already leads on to the page. */
async function consentIfAsked(page: Page): Promise<void> {
  const asks = page.getByRole("button", { name: "Continue" });
  const arrived = page.getByRole("button", { name: /^Account: / });
  await asks.or(arrived).first().waitFor();
  if (await asks.isVisible()) await asks.click();
}
const cancel = (page: Page) => page.getByText("[ Cancel ]").click();
const arrive = (page: Page, path: string) => page.waitForURL(origin + path);
const sentBack = ({ visited }: Opened, code: string) =>
  expect.poll(() => visited).toContain(`${origin}/?sign_in=${code}`);
const cookieNames = async (context: BrowserContext) =>
  (await context.cookies(origin)).map(({ name }) => name).filter((name) => name.startsWith("taskloom"));
const admin = async <T>(path: string, body?: object) => {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const method = body === undefined ? "GET" : "POST";
  const response = await fetch(server.url + path, { method, headers, body: body && JSON.stringify(body) });
  return (await response.json()) as T;
};

describe.skipIf(!hasBrowser)("signing in with OpenID Connect in a browser", () => {
  beforeAll(async () => {
    issuer = await startOidcIssuer();
    issuer.accounts.set("ada", { email: "ada@example.com", email_verified: true, name: "Ada" });
    issuer.accounts.set("eve", { email: "eve@evil.example", email_verified: true, name: "Eve" });
    place = await makeState();
    server = await startServer(place.state, {
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: issuer.client.client_id,
      OIDC_CLIENT_SECRET: issuer.client.client_secret,
      OIDC_NAME: "Example Inc.",
      OIDC_ALLOWED_DOMAINS: "example.com",
    });
    // Another site than the issuer's, so that cookies of this site are sent as SameSite says.
    origin = `http://localhost:${server.port}`;
    await issuer.begin({ origin });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await place?.removeState();
    await issuer?.close();
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    contexts = [];
  });

  it("is named by npm start", () => {
    expect(server.lines.join("\n")).toContain(`sign-in  Example Inc., at ${origin}/auth/sign-in`);
  });

  it("comes back to the place where the person was, with a session that no script reads", async () => {
    const { context, page } = await open(`/auth/sign-in?return_to=${encodeURIComponent("/#thread=mine")}`);
    await logIn(page, "ada");
    await consent(page);
    await arrive(page, "/#thread=mine");
    const [session, ...others] = (await context.cookies(origin)).filter(({ name }) => name.startsWith("taskloom"));
    expect(others).toEqual([]);
    expect(session).toMatchObject({ name: "taskloom-session", httpOnly: true, sameSite: "Strict", path: "/" });
    expect(await page.evaluate("document.cookie")).not.toContain("taskloom");
    // The second time, by the issuer's own session: the same user.
    await page.goto(`${origin}/auth/sign-in`);
    await arrive(page, "/");
    const [again] = (await context.cookies(origin)).filter(({ name }) => name === "taskloom-session");
    expect(again?.value).not.toBe(session?.value);
  });

  it("leads to the page with a word where the person cancels, at either of the issuer's pages", async () => {
    for (const isLate of [false, true]) {
      const opened = await open();
      const { context, page } = opened;
      if (isLate) await logIn(page, "ada");
      if (isLate) await page.getByRole("button", { name: "Continue" }).waitFor();
      await cancel(page);
      await sentBack(opened, "cancelled");
      expect(await cookieNames(context)).toEqual([]);
    }
  });

  it("leads there too where the person may not come in", async () => {
    const opened = await open();
    const { context, page } = opened;
    await logIn(page, "eve");
    await consent(page);
    await sentBack(opened, "not_allowed");
    expect(await cookieNames(context)).toEqual([]);
  });

  it("does not work in another browser, nor twice with the back button", async () => {
    const opened = await open();
    const { context, page, visited } = opened;
    await logIn(page, "ada");
    await consent(page);
    await arrive(page, "/");
    const callback = visited.find((address) => address.startsWith(`${origin}/auth/callback`)) ?? "";
    expect(callback).toContain("code=");
    await page.goto(callback);
    await sentBack(opened, "expired");
    const other = await open("/healthz");
    await other.page.goto(callback);
    await sentBack(other, "expired");
    expect(await cookieNames(other.context)).toEqual([]);
    expect(await cookieNames(context)).toEqual(["taskloom-session"]);
  });

  it("works in two tabs at once", async () => {
    const { context, page } = await open(`/auth/sign-in?return_to=${encodeURIComponent("/#thread=one")}`);
    const other = await context.newPage();
    await other.goto(`${origin}/auth/sign-in?return_to=${encodeURIComponent("/#thread=two")}`);
    expect(await cookieNames(context)).toHaveLength(2);
    await logIn(page, "ada");
    await consent(page);
    await arrive(page, "/#thread=one");
    await logIn(other, "ada");
    await consentIfAsked(other);
    await arrive(other, "/#thread=two");
    expect(await cookieNames(context)).toEqual(["taskloom-session"]);
  });

  it("as somebody else leaves nothing of theirs in the account of whoever comes next, in an open tab", async () => {
    issuer.accounts.set("bob", { email: "bob@example.com", email_verified: true, name: "Bob" });
    const { context, page } = await open("/auth/sign-in");
    await logIn(page, "ada");
    await consent(page);
    await page.getByRole("button", { name: "Account: Ada", exact: true }).waitFor();
    // Bob comes back to a place that is not the page, so that no other tab hears of it.
    await context.clearCookies({ domain: new URL(issuer.url).hostname });
    const other = await context.newPage();
    await other.goto(`${origin}/auth/sign-in?return_to=/docs`);
    await logIn(other, "bob");
    await consent(other);
    await arrive(other, "/docs");
    await page.getByLabel("Message", { exact: true }).fill("Ada's secret");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Account: Bob", exact: true }).waitFor();
    const threads = `fetch("/v1/threads").then((answer) => answer.json()).then(({ data }) => data.length)`;
    expect(await other.evaluate(threads)).toBe(0);
    expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("");
  });

  it("again, as the same person, continues in an open tab, with what was typed there", async () => {
    const { context, page } = await open(`/auth/sign-in?return_to=${encodeURIComponent("/#thread=kept")}`);
    await logIn(page, "ada");
    await consentIfAsked(page);
    await page.getByRole("button", { name: "Account: Ada", exact: true }).waitFor();
    const other = await context.newPage();
    await other.goto(`${origin}/auth/sign-in?return_to=/docs`);
    await arrive(other, "/docs");
    await page.getByLabel("Message", { exact: true }).fill("[[text goes on]]");
    await page.keyboard.press("Enter");
    await page.locator("[data-answer=whole]").getByText("goes on").waitFor();
    expect(await page.evaluate("location.hash")).toBe("#thread=kept");
  });

  it("is not begun by a link of another site: the person is asked on the page", async () => {
    const { page, visited } = await open("/healthz");
    await page.goto(issuer.url);
    visited.length = 0;
    const address = `${origin}/auth/sign-in?return_to=${encodeURIComponent("/#thread=there")}`;
    await page.evaluate(`location = ${JSON.stringify(address)}`);
    await page.getByRole("link", { name: "Sign in with Example Inc." }).waitFor();
    expect(visited.filter((each) => !each.startsWith(origin))).toEqual([]);
    expect(await page.evaluate("location.hash")).toBe("#thread=there");
  });

  it("is noted in the server's warnings only where something is wrong", async () => {
    const { warnings } = await admin<{ warnings: string[] }>("/v1/server");
    expect(warnings.filter((warning) => /OIDC|sign in/.test(warning))).toEqual([]);
  });
});
