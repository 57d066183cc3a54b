// Every port of `npm start`, and of all that it starts: nobody gets past one without a key, neither a program of this
// machine nor a page in the preview's frame. wrangler's features for developers (inspector, explorer, fired events,
// headers that rewrite a request) are absent.
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { canListListeners, type Listener, listListeners } from "../setup/listeners.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { makeState, type StartedServer, type StatePlace, startServer } from "../setup/started-server.ts";
import { attackPorts } from "./port-attack.ts";

let place: StatePlace;
let server: StartedServer;
let taskloom: ServerClient;
let listeners: Listener[];

/**
 * Starts everything that opens a port: a sandbox with a page on port 3000 and its preview, a terminal's gateway, the
 * stand-ins.
 */
beforeAll(async () => {
  place = await makeState();
  server = await startServer(place.state, { ALWAYS_APPROVE: "none" });
  taskloom = clientOf(server);
  await taskloom.json("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
  await taskloom.json("POST", "/v1/threads", { thread_id: "app", project_id: "shop" });
  const page =
    "require('http').createServer((q,s)=>s.setHeader('content-type','text/html').end('<h1>app</h1>')).listen(3000)";
  const write = `[[tool create_file ${JSON.stringify({ path: "app.js", content: page })}]]`;
  const serve = '[[then]][[tool execute_command {"command":"node app.js","background":true}]]';
  const expose = '[[then]][[tool expose_port {"port":3000}]]';
  await taskloom.json("POST", "/v1/threads/app/runs?wait=1", { message: write + serve + expose });
  await taskloom.json("POST", "/v1/projects/shop/sandbox/ssh");
  if (canListListeners) listeners = await listListeners(server.child.pid ?? 0);
});

afterAll(async () => {
  await server?.stop();
  await place?.removeState();
});

const portOf = (listener: Listener) => listener.port;

interface Answer {
  status: number;
  text: string;
}

/** Null where the port doesn't speak HTTP. */
/** How long nothing may come: the Worker's own port answers, however late, and the others need not. */
const patienceFor = (port: number): number => (port === server.port ? 30_000 : 3_000);

async function ask(port: number, path: string, init: RequestInit = {}): Promise<Answer | null> {
  try {
    const signal = AbortSignal.timeout(patienceFor(port));
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual", signal, ...init });
    return { status: response.status, text: (await response.text()).slice(0, 2_000) };
  } catch {
    return null;
  }
}

/** Sends one request byte for byte and reads to the end. */
function askRaw(port: number, request: string, patience_ms = patienceFor(port)): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1").on("data", (piece: string) => {
      text += piece;
    });
    socket.once("close", () => resolve(text));
    socket.once("error", () => resolve(text));
    socket.setTimeout(patience_ms, () => socket.destroy());
    socket.write(Buffer.from(request, "latin1"));
  });
}

/** Sends a request and resets the connection as soon as it is sent. */
function reset(port: number, request: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("close", () => resolve());
    socket.on("error", () => {});
    socket.write(request, () => setImmediate(() => socket.resetAndDestroy()));
  });
}

function opensSocket(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { handshakeTimeout: 3_000 });
    socket.once("open", () => {
      socket.terminate();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** The developer paths of wrangler and Miniflare, as their sources name them, in this version and in former ones. */
const developersPaths = [
  ...["/json", "/json/list", "/json/version"],
  ...["/cdn-cgi/explorer/api/d1/database", "/cdn-cgi/local/explorer/api/d1/database", "/cdn-cgi/local/explorer"],
  ...[
    "/cdn-cgi/local/platform-proxy",
    "/cdn-cgi/platform-proxy",
    "/core/error",
    "/core/do-storage/taskloom-ThreadObject",
  ],
  ...["/cdn-cgi/local/email", "/cdn-cgi/handler/email", "/cdn-cgi/ProxyWorker/play", "/cdn-cgi/InspectorProxyWorker"],
];
const scheduledPaths = [
  "/cdn-cgi/local/scheduled",
  "/cdn-cgi/handler/scheduled",
  "/cdn-cgi/mf/scheduled",
  "/__scheduled",
];

describe.skipIf(!canListListeners)("the ports of npm start", () => {
  it("are those of the Worker, of Miniflare, of the stand-ins and of SSH, and no others", () => {
    const programs = listeners.map(({ program }) => program).sort();
    // The Worker's entry and Miniflare's; Miniflare's loopback, the model, the sandboxes with their SSH gateway, and the
    // search, which has nothing to hide.
    expect(programs.map((program) => (program === "workerd" ? program : "node"))).toEqual([
      ...Array(5).fill("node"),
      ...Array(2).fill("workerd"),
    ]);
    expect(listeners.map(portOf)).toContain(server.port);
  });

  it("have no inspector", async () => {
    for (const { port } of listeners) {
      for (const path of ["/", "/core:user:taskloom", "/core:entry", "/ws"]) {
        expect([port, path, await opensSocket(port, path)]).toEqual([port, path, false]);
      }
      const version = await ask(port, "/json/version");
      expect(version?.text ?? "").not.toMatch(/Protocol-Version|webSocketDebuggerUrl/);
    }
  });

  it("fire no event, and have no developer routes", async () => {
    for (const { port } of listeners) {
      for (const path of [...developersPaths, ...scheduledPaths.map((each) => `${each}?cron=*+*+*+*+*`)]) {
        for (const init of [{}, { method: "POST", body: '{"sql":"SELECT 1"}' }, { headers: { "MF-Op": "GET" } }]) {
          const answer = await ask(port, path, init);
          if (answer === null) continue;
          // The web app answers any path that could be a page.
          const isPage = answer.text.includes("<title>Taskloom</title>") && port === server.port;
          const what = { port, path, status: answer.status, text: answer.text.slice(0, 80) };
          expect(isPage || answer.status >= 400, JSON.stringify(what)).toBe(true);
        }
      }
    }
  });

  it("run no SQL from other programs", async () => {
    const init = {
      method: "POST",
      headers: { "content-type": "application/json", origin: "http://localhost:1" },
      body: JSON.stringify({ sql: "CREATE TABLE broken_into (x)" }),
    };
    const databases = ["d1/database/00000000-0000-0000-0000-000000000000", "d1/database/DB"];
    const paths = databases.flatMap((name) => ["raw", "query"].map((verb) => `${name}/${verb}`));
    for (const { port } of listeners) {
      for (const path of paths) {
        for (const base of ["/cdn-cgi/explorer/api", "/cdn-cgi/local/explorer/api"]) {
          await ask(port, `${base}/${path}`, init);
        }
      }
    }
    const folder = join(place.state, "v3/d1/miniflare-D1DatabaseObject");
    const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
    expect(names).toHaveLength(1);
    const database = new DatabaseSync(join(folder, names[0] ?? ""), { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    database.close();
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["threads"]));
    expect(tables.map(({ name }) => name)).not.toContain("broken_into");
  });

  it("do not take a request's address from a header", async () => {
    const headers = { "MF-Original-URL": "http://localhost/healthz", "MF-Route-Override": "core:entry" };
    for (const { port } of listeners) {
      const answer = await ask(port, "/nothing-here.json", { headers });
      expect(answer?.text ?? "").not.toContain("stand_ins");
    }
    const answer = await ask(server.port, "/healthz", {
      headers: { "MF-Original-URL": "http://localhost/v1/threads" },
    });
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining("stand_ins") });
  });

  it("reject a malformed host, and name no file of this machine", async () => {
    const hosts = ["[", "a b", "x:99999", "", "a/b", "%zz", "[::1", "a@b", "a#b", "a?b", "a\\b", "\u00e9"];
    for (const { port } of listeners) {
      for (const host of hosts) {
        const answer = await askRaw(port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        expect([port, host, answer]).toEqual([
          port,
          host,
          expect.not.stringMatching(/file:|node_modules|\.js:\d|\.ts:\d/),
        ]);
        if (port === server.port) expect([host, answer]).toEqual([host, expect.stringMatching(/^HTTP\/1\.1 400 /)]);
      }
    }
  });

  it("survive a request with an invalid address", async () => {
    const upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    const requests = ["GET //[ HTTP/1.1", "GET http://[bad/ HTTP/1.1", "POST //%zz:x HTTP/1.1", "OPTIONS * HTTP/1.1"];
    for (const { port } of listeners) {
      for (const request of requests) {
        for (const rest of ["Connection: close", upgrade]) {
          await askRaw(port, `${request}\r\nHost: localhost:${port}\r\n${rest}\r\n\r\n`, 300);
        }
      }
    }
    // Upgrades and resets at once.
    for (const { port } of listeners) {
      for (let again = 0; again < 40; again++) await reset(port, `GET / HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`);
    }
    expect(await ask(server.port, "/healthz")).toMatchObject({ status: 200 });
    expect(server.child.exitCode).toBe(null);
    expect((await listListeners(server.child.pid ?? 0)).map(portOf).sort()).toEqual(listeners.map(portOf).sort());
  });

  it("open the API on the public port alone", async () => {
    const headers = { authorization: `Bearer ${server.key}` };
    for (const { port } of listeners) {
      const answer = await ask(port, "/v1/threads", { headers });
      if (port === server.port) expect(answer?.status).toBe(200);
      else expect(answer?.status ?? 404).toBeGreaterThanOrEqual(400);
    }
  });

  it("open no stand-in for a model or sandboxes without its secret key", async () => {
    const chat = { model: "taskloom-scripted-demo", stream: true, messages: [{ role: "user", content: "hello" }] };
    const guesses = ["", "local", "scripted", "any", server.key];
    for (const { port } of listeners) {
      for (const guess of guesses) {
        const headers = { authorization: `Bearer ${guess}`, "content-type": "application/json" };
        const list = await ask(port, "/api/sandbox", { headers });
        if (list !== null)
          expect([port, guess, list.text]).toEqual([port, guess, expect.not.stringContaining('"state"')]);
        const reply = await ask(port, "/v1/chat/completions", { headers, method: "POST", body: JSON.stringify(chat) });
        expect([port, guess, reply?.text ?? ""]).toEqual([port, guess, expect.not.stringContaining("chat.completion")]);
      }
    }
  });
});

describe.skipIf(!canListListeners || !hasBrowser)("a page in the preview's frame", () => {
  let browser: Browser;
  let page: Page;
  let frame: Frame;

  beforeAll(async () => {
    browser = await openBrowser();
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1400, height: 900 } });
    context.setDefaultTimeout(60_000);
    page = await context.newPage();
    await page.goto(`${server.address}&thread=app`);
    await page.locator("[data-answer=whole]").waitFor();
    await page.getByRole("button", { name: "Show workspace", exact: true }).click();
    await page.getByRole("tab", { name: "Preview" }).click();
    const handle = await page.waitForSelector("aside iframe");
    const content = await handle.contentFrame();
    if (content === null) throw new Error("the preview has no frame");
    frame = content;
    await frame.getByRole("heading", { name: "app" }).waitFor();
  });
  afterAll(() => browser?.close());

  it("reads nothing from any port and opens no socket, except on its own origin", async () => {
    const ports = listeners.map(portOf);
    const paths = [
      "/",
      "/json/list",
      "/cdn-cgi/explorer/api/d1/database",
      "/cdn-cgi/local/explorer/api/d1/database",
      "/v1/threads",
      "/healthz",
      "/api/sandbox",
      "//[",
    ];
    expect(new URL(frame.url()).host).not.toBe(new URL(server.address).host);
    expect(await frame.evaluate(attackPorts(ports, paths))).toEqual([]);
    // Proves that the page could try and that the port answers.
    expect(await frame.evaluate("fetch(location.href).then(({ status }) => status)")).toBe(200);
    expect((await taskloom.json<{ data: unknown[] }>("GET", "/v1/threads")).data).toHaveLength(1);
  });
});
