// Sessions in a real browser: what it does with the cookie, and what pages of other sites get from it: one on another
// port of the same machine, and one under a neighbour's name, where previews are.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeSession } from "../fakes/session.ts";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

const HOUR = 3_600_000;
const HOST = "app.site.localhost";

let taskloom: Taskloom;
let browser: Browser;
let hostile: Server;
let own: string;
let hostilePort: number;
let context: BrowserContext;
let session: { session_id: string; token: string };

/** A page, and a redirect to the address in its query. */
function startHostile(): Promise<Server> {
  const server = createServer((request, response) => {
    const to = new URL(request.url ?? "/", "http://x").searchParams.get("to");
    if (to === null) response.writeHead(200, { "content-type": "text/html" }).end("<title>hostile</title><body>");
    else response.writeHead(307, { location: to, "access-control-allow-origin": "*" }).end();
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function signIn(host: string): Promise<void> {
  session = await makeSession(await taskloom.runtime.database(), { user_id: "user_ada" });
  context = await browser.newContext();
  context.setDefaultTimeout(60_000);
  const cookie = { name: "taskloom-session", value: session.token, domain: host, path: "/" };
  await context.addCookies([{ ...cookie, httpOnly: true, sameSite: "Strict" }]);
}

/** An empty page of this server's origin. Its real ones would each compute for seconds, and any has the same cookie. */
async function openOwn(origin = own): Promise<Page> {
  const page = await context.newPage();
  const address = `${origin}/empty-page`;
  await page.route(address, (route) => route.fulfill({ contentType: "text/html", body: "<title>own</title><body>" }));
  await page.goto(address);
  // From here on requests go their usual way.
  await page.unroute(address);
  return page;
}

async function openHostile(host: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://${host}:${hostilePort}/`);
  return page;
}

const statusOf = (page: Page, path: string, init: object = {}) =>
  page.evaluate<number>(`fetch(${JSON.stringify(path)}, ${JSON.stringify(init)}).then(({ status }) => status)`);

const rowsOf = async (query: string) => (await (await taskloom.runtime.database()).prepare(query).all()).results;
const cookieNow = async () => (await context.cookies(own)).find(({ name }) => name === "taskloom-session")?.value;

describe.skipIf(!hasBrowser)("a session", () => {
  beforeAll(async () => {
    [taskloom, browser, hostile] = await Promise.all([
      startTaskloom({ CORS_ORIGINS: "*" }),
      openBrowser(),
      startHostile(),
    ]);
    own = `http://${HOST}:${new URL(taskloom.url).port}`;
    hostilePort = (hostile.address() as AddressInfo).port;
    await taskloom.json("POST", "/v1/users", { user_id: "user_ada" });
  });
  afterAll(async () => {
    await browser?.close();
    await taskloom?.close();
    hostile?.closeAllConnections();
    hostile?.close();
  });
  afterEach(() => context?.close());

  it("is the browser's on this server's own pages: to read, to change and to follow events", async () => {
    await signIn(HOST);
    const page = await openOwn();
    expect(await statusOf(page, "/v1/users/me")).toBe(200);
    const body = JSON.stringify({ thread_id: "own" });
    const headers = { "content-type": "application/json" };
    expect(await statusOf(page, "/v1/threads", { method: "POST", headers, body })).toBe(201);
    const opened = `new Promise((resolve) => {
      const source = new EventSource("/v1/threads/own/events");
      source.onopen = () => { source.close(); resolve("open"); };
      source.onerror = () => { source.close(); resolve("refused"); };
    })`;
    expect(await page.evaluate(opened)).toBe("open");
    expect(await page.evaluate("document.cookie")).toBe("");
  });

  it("is replaced once for ten requests at once, and its page notices nothing", async () => {
    await signIn(HOST);
    const page = await openOwn();
    const long = new Date(Date.now() - 2 * HOUR).toISOString();
    const aged = `UPDATE api_keys SET details = json_set(details, '$.seen_at', '${long}') WHERE key_id = '${session.session_id}'`;
    await rowsOf(aged);
    const ask = `Promise.all(Array.from({ length: 10 }, () => fetch("/v1/users/me").then(({ status }) => status)))`;
    expect(await page.evaluate(ask)).toEqual(Array(10).fill(200));
    const next = await cookieNow();
    expect([next?.slice(0, 96), next === session.token]).toEqual([session.token.slice(0, 96), false]);
    expect(await page.evaluate(ask)).toEqual(Array(10).fill(200));
    expect(await cookieNow()).toBe(next);
    const [cookie] = await context.cookies(own);
    expect([cookie?.httpOnly, cookie?.sameSite, cookie?.path]).toEqual([true, "Strict", "/"]);
  });

  it("is gone from the browser after sign-out", async () => {
    await signIn(HOST);
    const page = await openOwn();
    expect(await statusOf(page, "/auth/sign-out", { method: "POST" })).toBe(200);
    expect(await cookieNow()).toBeUndefined();
    expect(await statusOf(page, "/v1/users/me")).toBe(401);
  });

  /** The cookie goes along to another port of the same name, and to no page under a neighbour's. */
  const places = [
    { where: "on another port of the same name", ownHost: "localhost", host: "localhost" },
    { where: "under a sibling's name", ownHost: HOST, host: "3000-evil.site.localhost" },
    { where: "under a name below the own one", ownHost: HOST, host: `3000-evil.${HOST}` },
    { where: "of another site", ownHost: HOST, host: "evil.localhost" },
  ];

  it.each(places)("is of no use to a page $where", async ({ ownHost, host }) => {
    await signIn(ownHost);
    const origin = `http://${ownHost}:${new URL(taskloom.url).port}`;
    const page = await openHostile(host);
    const before = [
      await rowsOf("SELECT * FROM projects"),
      await rowsOf("SELECT key_id FROM api_keys ORDER BY key_id"),
    ];
    const answers: string[] = [];
    page.on("response", (response) => {
      if (response.url().startsWith(origin)) answers.push(`${response.request().method()} ${response.status()}`);
    });
    const attack = `(async () => {
      const [own, body] = [${JSON.stringify(origin)}, JSON.stringify({ name: "planted" })];
      const quiet = (work) => Promise.resolve(work).catch(() => {});
      const post = { method: "POST", credentials: "include", body };
      const types = ["text/plain", "application/x-www-form-urlencoded"];
      for (const type of types) {
        await quiet(fetch(own + "/v1/projects", { ...post, mode: "no-cors", headers: { "content-type": type } }));
        await quiet(fetch("/?to=" + encodeURIComponent(own + "/v1/projects"), { ...post, mode: "no-cors", headers: { "content-type": type } }));
      }
      await quiet(fetch(own + "/auth/sign-out", { ...post, mode: "no-cors" }));
      await quiet(fetch(own + "/v1/sessions", { method: "DELETE", credentials: "include" }));
      await quiet(fetch(own + "/v1/projects", { ...post, headers: { "content-type": "application/json" } }));
      const read = await quiet(fetch(own + "/v1/users/me", { credentials: "include" }).then((answer) => answer.text()));
      const plain = await quiet(fetch(own + "/v1/users/me").then(({ status }) => status));
      navigator.sendBeacon(own + "/v1/projects", body);
      const loaded = await new Promise((resolve) => {
        const image = new Image();
        image.onload = () => resolve("loaded");
        image.onerror = () => resolve("refused");
        image.src = own + "/v1/threads";
      });
      const source = await new Promise((resolve) => {
        const events = new EventSource(own + "/v1/threads/own/events", { withCredentials: true });
        events.onopen = () => resolve("open");
        events.onerror = () => { events.close(); resolve("refused"); };
      });
      const socket = await new Promise((resolve) => {
        const socket = new WebSocket(own.replace("http", "ws") + "/v1/threads/own/events");
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
      });
      return { read, plain, loaded, source, socket };
    })()`;
    const got = await page.evaluate(attack);
    expect(got).toEqual({ plain: 401, loaded: "refused", source: "refused", socket: "refused" });
    // A form leaves the page, and so does a link.
    const form = `{
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", enctype: "text/plain", action: ${JSON.stringify(`${origin}/v1/projects`)} });
      form.innerHTML = '<input name="{&quot;name&quot;:&quot;planted&quot;,&quot;x" value="&quot;:1}">';
      document.body.append(form);
      form.submit();
    }`;
    const arrived = page.waitForURL(`${origin}/**`);
    await page.evaluate(form);
    await arrived;
    await page.goto(`http://${host}:${hostilePort}/`);
    const followed = page.waitForURL(`${origin}/**`);
    await page.evaluate(`location = ${JSON.stringify(`${origin}/v1/threads`)}`);
    await followed;
    expect(await page.content()).toContain("unauthorized");
    expect(answers.filter((answer) => !/ (?:401|403)$|^OPTIONS 204$/.test(answer))).toEqual([]);
    expect(answers.length).toBeGreaterThan(8);
    const after = [await rowsOf("SELECT * FROM projects"), await rowsOf("SELECT key_id FROM api_keys ORDER BY key_id")];
    expect(after).toEqual(before);
    // The session itself continues.
    expect(await statusOf(await openOwn(origin), "/v1/users/me")).toBe(200);
  });

  it("does not open an address of the API that somebody types", async () => {
    await signIn(HOST);
    const page = await context.newPage();
    expect((await page.goto(`${own}/v1/threads`))?.status()).toBe(401);
    const link = await openOwn();
    const answer = link.waitForResponse(`${own}/v1/threads`);
    await link.evaluate(`location = "/v1/threads"`);
    expect((await answer).status()).toBe(200);
  });

  it("is not exchanged for one that a neighbour plants: with two cookies nobody is signed in", async () => {
    await signIn(HOST);
    const stranger = await makeSession(await taskloom.runtime.database(), { user_id: "user_eve" });
    const page = await openHostile("3000-evil.site.localhost");
    await page.evaluate(`document.cookie = "taskloom-session=${stranger.token}; domain=site.localhost; path=/v1"`);
    expect(await statusOf(await openOwn(), "/v1/users/me")).toBe(401);
  });

  it("can't be planted by a preview under localhost, which may name no cookie for all of it", async () => {
    await signIn("localhost");
    const stranger = await makeSession(await taskloom.runtime.database(), { user_id: "user_eve" });
    const page = await openHostile("3000-evil.localhost");
    await page.evaluate(`document.cookie = "taskloom-session=${stranger.token}; domain=localhost; path=/"`);
    const own = await openOwn(`http://localhost:${new URL(taskloom.url).port}`);
    const user = `fetch("/v1/users/me").then((answer) => answer.json()).then(({ user_id }) => user_id)`;
    expect(await own.evaluate(user)).toBe("user_ada");
    expect(await page.evaluate("document.cookie")).toBe("");
  });
});
