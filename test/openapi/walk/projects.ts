// Projects with their sandboxes, and credentials for git.
import { WebSocket } from "ws";
import type { Stage } from "./stage.ts";
import type { Walker } from "./walker.ts";

const BASE = "/v1/projects/{project_id}/sandbox";

export async function walkProjects({ ask, reach }: Walker, { taskloom, relay }: Stage): Promise<void> {
  const params = { project_id: "project-walked" };
  await ask("POST /v1/projects", { body: { ...params, name: "Walked", max_cost_usd: 20 } });
  await ask("GET /v1/projects", { query: { limit: "1" } });
  await ask("GET /v1/projects/{project_id}", { params });
  await ask("PATCH /v1/projects/{project_id}", { params, body: { name: "Walked on" } });
  const credential = { host: "github.com", username: "ada", password: "github_pat_EXAMPLE" };
  await ask("POST /v1/git-credentials", { body: credential });
  await ask("GET /v1/git-credentials", {});
  await ask("DELETE /v1/git-credentials/{host}", { params: { host: "github.com" } });
  const secret = { params: { ...params, name: "SHOP_TOKEN" } };
  await ask("PUT /v1/projects/{project_id}/secrets/{name}", { ...secret, body: { value: "token-of-the-walk" } });
  await ask("GET /v1/projects/{project_id}/secrets", { params });
  await ask("DELETE /v1/projects/{project_id}/secrets/{name}", secret);

  await ask(`POST ${BASE}/start`, { params });
  await ask(`GET ${BASE}`, { params });
  const file = { params, query: { path: "notes.txt" } };
  const bytes = { "content-type": "application/octet-stream" };
  await ask(`PUT ${BASE}/files/content`, { ...file, headers: bytes, body: "what was noted" });
  await ask(`PUT ${BASE}/files/content`, { ...file, headers: bytes, body: "what was noted again" });
  await ask(`GET ${BASE}/files`, { params, query: { path: "", depth: "2" } });
  await ask(`GET ${BASE}/files/content`, file);
  await ask(`GET ${BASE}/files/content`, { ...file, headers: { range: "bytes=0-3" } });
  // Without isolation, a sandbox's own /tmp is not where its programs write.
  if (taskloom.daytona.isolation !== "none") await ask(`GET ${BASE}/files/archive`, { params, query: { path: "" } });
  const { body: download } = await ask(`POST ${BASE}/files/ticket`, { params, body: { path: "notes.txt" } });
  await ask("GET /v1/download", { key: null, query: { ticket: ticketOf(download) } });
  await ask(`POST ${BASE}/previews`, { params, body: { port: 3000 } });
  await ask(`GET ${BASE}/previews`, { params });
  await ask(`DELETE ${BASE}/previews/{port}`, { params: { ...params, port: "3000" } });
  const { body: terminal } = await ask(`POST ${BASE}/terminal`, { params, body: { cols: 120, rows: 40 } });
  // Prism has no WebSockets.
  await openSocket(`${relay.url.replace("http", "ws")}/v1/terminal?ticket=${ticketOf(terminal)}`, taskloom.url);
  reach("GET /v1/terminal");
  await ask(`POST ${BASE}/ssh`, { params, body: { expires_in_minutes: 5 } });
  await ask(`GET ${BASE}/ssh`, { params });
  await ask(`DELETE ${BASE}/ssh`, { params });
  await ask(`DELETE ${BASE}/files/content`, file);
  await ask(`POST ${BASE}/stop`, { params });
  await ask(`POST ${BASE}/archive`, { params });
  await ask(`DELETE ${BASE}`, { params });
  await ask("DELETE /v1/projects/{project_id}", { params });
}

function ticketOf({ url }: Record<string, unknown>): string {
  return new URL(String(url)).searchParams.get("ticket") ?? "";
}

function openSocket(url: string, server: string): Promise<void> {
  const own = new URL(url);
  own.host = new URL(server).host;
  const socket = new WebSocket(own.href);
  return new Promise((resolve, reject) => {
    socket.on("open", () => {
      socket.close();
      resolve();
    });
    socket.on("error", reject);
  });
}
