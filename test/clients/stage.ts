// Everything that a check needs: Taskloom as `npm start` runs it, the scripted model, CopilotKit's runtime, both pages
// built and served, and a browser.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { openBrowser } from "../setup/browser.ts";
import { findFreePort, makeState, type StartedServer, startServer } from "../setup/started-server.ts";
import { startRuntime } from "./copilotkit/runtime.ts";
import { createThreadRunner } from "./copilotkit/thread-runner.ts";
import { type ScriptedModel, startScriptedModel } from "./model.ts";

export interface Wishes {
  /** A run ends when its readers have left, by the address or by the request, as each client can say it. */
  leaves?: boolean;
  /** The agent's plans need a person's approval. */
  approves?: boolean;
}

export interface Stage {
  server: StartedServer;
  model: ScriptedModel;
  browser: Browser;
  /** The page's address with a thread of its own. */
  assistantUi(thread: string, wishes: Wishes): string;
  copilotKit(thread: string, wishes: Wishes): string;
  /** The same, with a runtime that asks Taskloom what a thread has. */
  copilotKitOfThreads(thread: string, wishes: Wishes): string;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const place = await makeState();
  const folder = await mkdtemp(join(tmpdir(), "taskloom-clients-"));
  const model = await startScriptedModel();
  const pages = await servePages(folder);
  const settings = { OPENAI_API_KEY: "any", OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "scripted" };
  const server = await startServer(place.state, { ...settings, CORS_ORIGINS: pages.origin });
  await makePlanner(server);
  const agents = { taskloom: `${server.url}/ag-ui`, [PLANNER]: `${server.url}/ag-ui/${PLANNER}` };
  const runtime = await startRuntime(agents, server.key);
  const runtimeOfThreads = await startRuntime(agents, server.key, createThreadRunner(server.url, server.key));
  const browser = await openBrowser();
  const address = (page: string, values: Record<string, string>): string =>
    `${pages.origin}/${page}/index.html?${new URLSearchParams(values)}`;
  return {
    server,
    model,
    browser,
    assistantUi: (thread, { leaves, approves }) => {
      const options = { whole_history: "1", ...(leaves && { on_disconnect: "cancel" }) };
      const agent = `${agents[agentOf(approves)]}?${new URLSearchParams(options)}`;
      return address("assistant-ui", { server: server.url, key: server.key, thread, agent });
    },
    copilotKit: (thread, { leaves, approves }) =>
      address("copilotkit", { runtime: runtime.url, thread, agent: agentOf(approves), ...(leaves && { leave: "1" }) }),
    copilotKitOfThreads: (thread, { approves }) =>
      address("copilotkit", { runtime: runtimeOfThreads.url, thread, agent: agentOf(approves) }),
    close: async () => {
      await browser.close();
      await Promise.all([runtime.close(), runtimeOfThreads.close()]);
      await server.stop();
      await model.close();
      pages.server.close();
      pages.server.closeAllConnections();
      await rm(folder, { recursive: true, force: true });
      await place.removeState();
    },
  };
}

/** An agent whose plans a person approves. */
const PLANNER = "planner";

const agentOf = (approves = false) => (approves ? PLANNER : "taskloom");

async function makePlanner({ url, key }: StartedServer): Promise<void> {
  const response = await fetch(`${url}/v1/agents`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ agent_id: PLANNER, name: "Planner", plan_approval: true }),
  });
  if (!response.ok) throw new Error(`the agent could not be created: ${await response.text()}`);
}

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

async function servePages(folder: string): Promise<{ origin: string; server: Server }> {
  for (const page of ["assistant-ui", "copilotkit"]) {
    await build({
      configFile: false,
      root: join(import.meta.dirname, page),
      base: "./",
      logLevel: "error",
      define: { "process.env.NODE_ENV": JSON.stringify("production") },
      build: { outDir: join(folder, page), emptyOutDir: true, minify: false, chunkSizeWarningLimit: 50_000 },
    });
  }
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    try {
      const content = await readFile(join(folder, path));
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  const port = await findFreePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
