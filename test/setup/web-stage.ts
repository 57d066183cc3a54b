// A complete server with a model of its own, and a browser in front of it, for tests of the web app.
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { type RunningModel, startModel } from "../../dev/model/server.ts";
import { openBrowser } from "./browser.ts";
import { askForUserKey, makeState, type StartedServer, startServer } from "./started-server.ts";

export interface WebStage {
  /** With a key of its first user that may do all, an operator's work too: the admin key only begins with that. */
  server: StartedServer;
  model: RunningModel;
  browser: Browser;
  /** Starts the server again on the same state, as another process. */
  restart(): Promise<StartedServer>;
  /** A page of a new visitor; `complaints` collects the errors that it logs. */
  visit(options?: VisitOptions): Promise<Visit>;
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  close(): Promise<void>;
}

export interface VisitOptions extends BrowserContextOptions {
  /** Follows the key in the fragment. */
  place?: string;
  origin?: string;
}

export interface Visit {
  page: Page;
  complaints: string[];
  send(text: string): Promise<void>;
  /** Types once a field inside of `place` has the focus: keys that come before it appears go nowhere. */
  type(text: string, place: Locator): Promise<void>;
  close(): Promise<void>;
}

/** `signIn`: with a key of the first user, as on a new server; by default with the admin key, which acts for that user. */
export async function openWebStage({
  tokensPerSecond = 0,
  signIn = "admin" as "admin" | "user",
  alwaysApprove = "none",
  /** Other settings of the server. */
  settings: own = {} as Record<string, string>,
} = {}): Promise<WebStage> {
  const place = await makeState();
  if (signIn === "user") await askForUserKey(place.state);
  const model = await startModel({ port: 0, tokensPerSecond });
  const settings = { OPENAI_API_KEY: "any", OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "demo" };
  const approvals = { ALWAYS_APPROVE: alwaysApprove };
  const start = (): Promise<StartedServer> => startServer(place.state, { ...settings, ...approvals, ...own });
  const browser = await openBrowser();
  const first = await start();
  const key = await findOwnKey(first);
  const stage = { server: signedInWith(first, key) };
  return {
    get server() {
      return stage.server;
    },
    model,
    browser,
    restart: async () => {
      stage.server = signedInWith(await start(), key);
      return stage.server;
    },
    visit: (options = {}) => visit(browser, stage.server, options),
    request: (method, path, body) => request(stage.server, method, path, body),
    close: async () => {
      await browser.close();
      await stage.server.stop();
      await model.close();
      await place.removeState();
    },
  };
}

/** The server's own where that is one of a user. */
async function findOwnKey(server: StartedServer): Promise<string> {
  const { is_admin } = await request<{ is_admin: boolean }>(server, "GET", "/v1/users/me");
  if (!is_admin) return server.key;
  const body = { name: "own key", scopes: ["write", "admin"] };
  return (await request<{ key: string }>(server, "POST", "/v1/api-keys", body)).key;
}

function signedInWith(server: StartedServer, key: string): StartedServer {
  return { ...server, key, address: `${new URL(server.address).origin}/#key=${encodeURIComponent(key)}` };
}

async function visit(
  browser: Browser,
  server: StartedServer,
  { place = "", origin, ...options }: VisitOptions,
): Promise<Visit> {
  // Here the processor draws endless animations, and needs a whole core for them.
  const usual = { locale: "zh-CN", viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" } as const;
  const context = await browser.newContext({ ...usual, ...options });
  // As long as a test may take: a browser that a busy machine delays is not the page's failure.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  const address = origin === undefined ? server.address : `${origin}/#key=${encodeURIComponent(server.key)}`;
  await page.goto(`${address}${place}`);
  const box = page.getByLabel(options.locale?.startsWith("en") ? "Message" : "消息", { exact: true });
  return {
    page,
    complaints,
    send: async (text) => {
      await box.fill(text);
      await box.press("Enter");
    },
    type: async (text, place) => {
      await place.locator("input:focus, textarea:focus").waitFor();
      await page.keyboard.type(text);
    },
    close: () => context.close(),
  };
}

async function request<T>(server: StartedServer, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
