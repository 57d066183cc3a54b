// `npm start` as a person uses it: what it prints, what it stores, and that nothing of it keeps running.
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_QUOTA } from "../../src/protocol/money/quotas.ts";
import { canListListeners, listListeners } from "../setup/listeners.ts";
import {
  findFreePort,
  listProcesses,
  makeState,
  runProgram,
  type StartedServer,
  startServer,
} from "../setup/started-server.ts";

let state: string;
let removeState: () => Promise<void>;
let servers: StartedServer[];

beforeEach(async () => {
  ({ state, removeState } = await makeState());
  await rm(join(state, "start"), { recursive: true });
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop("SIGTERM")));
  await removeState();
});

async function start(place = state, variables: Record<string, string> = {}): Promise<StartedServer> {
  const server = await startServer(place, variables);
  servers.push(server);
  return server;
}

async function call(server: StartedServer, path: string, body?: object): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    body: body ? JSON.stringify(body) : undefined,
  });
}

async function findLeftovers(server: StartedServer): Promise<string[]> {
  // A killed process is gone only once its parent has noticed, which nothing here can speed up.
  for (;;) {
    const left = await listProcesses(state, server.port);
    if (left.length === 0 || !left.some((line) => line.includes("workerd") || line.includes("guard.ts"))) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("npm start", () => {
  it("prints the model, the sandboxes and an address that signs in, and last that it is ready", async () => {
    // Starts without tables, as on a new machine.
    await rm(join(state, "v3"), { recursive: true });
    const server = await start();
    const text = server.lines.join("\n");
    expect(server.lines.at(-1)).toBe(`ready on http://localhost:${server.port}`);
    expect(text).toContain("scripted demo model");
    expect(text).toContain("DAYTONA_API_KEY");
    expect(text).toContain("sample pages on this machine, not the web");
    expect(server.address).toBe(`http://localhost:${server.port}/#key=${server.key}`);
    expect(await (await call(server, "/healthz")).json()).toMatchObject({ stand_ins: ["model", "sandbox", "search"] });
    expect((await call(server, "/v1/threads")).status).toBe(200);
    const [quota] = ((await (await call(server, "/v1/quotas")).json()) as { data: { limit: number }[] }).data;
    expect(quota?.limit).toBe(MAX_QUOTA);
    const page = await fetch(server.url);
    expect(await page.text()).toContain("<title>Taskloom</title>");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it("signs in on a new server with a key of the first user, which it keeps, so that the admin key only administers", async () => {
    await rm(join(state, "v3"), { recursive: true });
    const first = await start();
    const me = async (server: StartedServer) => (await (await call(server, "/v1/users/me")).json()) as object;
    expect(await me(first)).toMatchObject({ user_id: "user_first", is_admin: false, scopes: ["read", "run", "write"] });
    const admin = (await readFile(join(state, "start/admin-key"), "utf8")).trim();
    expect((await readFile(join(state, "start/key"), "utf8")).trim()).toBe(first.key);
    expect(first.lines.join("\n")).not.toContain(admin);
    expect(first.lines.join("\n")).toContain(
      `ADMIN_API_KEY, which manages users, is in ${join(state, "start/admin-key")}`,
    );
    expect(await me({ ...first, key: admin })).toMatchObject({ is_admin: true, scopes: ["admin"] });
    expect((await call({ ...first, key: admin }, "/v1/threads")).status).toBe(403);
    expect(JSON.parse(await readFile(join(state, "start/server.json"), "utf8"))).toMatchObject({ key: first.key });
    expect((await stat(join(state, "start/admin-key"))).mode & 0o077).toBe(0);
    await first.stop("SIGINT");
    expect((await start()).key).toBe(first.key);
  });

  it("keeps all data, the key and the settings' secrecy over a restart", async () => {
    const first = await start();
    const run = { message: "你好", invocation_id: "inv_kept" };
    expect((await call(first, "/v1/threads/kept/runs?wait=1", run)).status).toBe(200);
    for (const name of ["key", "server.json", "worker.log"]) {
      expect((await stat(join(state, "start", name))).mode & 0o077).toBe(0);
    }
    expect(await first.stop("SIGINT")).toBe(0);
    expect(await findLeftovers(first)).toEqual([]);
    const second = await start();
    expect(second.key).toBe(first.key);
    const messages = (await (await call(second, "/v1/threads/kept/messages")).json()) as { data: unknown[] };
    expect(messages.data).toHaveLength(2);
    expect((await call(second, "/v1/threads/kept/runs", run)).status).toBe(202);
  });

  it("leaves no process running, even when it is killed", async () => {
    const server = await start();
    expect((await listProcesses(state, server.port)).length).toBeGreaterThan(2);
    await server.stop("SIGKILL");
    expect(await findLeftovers(server)).toEqual([]);
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it.skipIf(!canListListeners)("restarts with its data after its runtime has crashed", async () => {
    const server = await start();
    expect((await call(server, "/v1/threads/kept/runs?wait=1", { message: "你好" })).status).toBe(200);
    const listeners = await listListeners(server.child.pid ?? 0);
    const runtime = listeners.find(({ port }) => port === server.port);
    expect(runtime?.program).toBe("workerd");
    process.kill(runtime?.pid ?? 0, "SIGKILL");
    const read = () => call(server, "/v1/threads/kept/messages").then((answer) => answer.json(), String);
    await expect.poll(read).toMatchObject({ data: [{ type: "user" }, { type: "assistant" }] });
    expect(server.child.exitCode).toBe(null);
  });

  it("prints one line when a port is taken, before anything starts", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const fresh = join(state, "fresh");
    const run = await runProgram("dev/start.ts", ["--port", String(port), "--state", fresh]);
    taken.close();
    expect(run).toEqual({ code: 1, stdout: "", stderr: `port ${port} is taken; choose another with --port\n` });
    await expect(stat(fresh)).rejects.toThrow();
  });

  it("prints one line when a setting is wrong, and keeps the former log and none of the processes it had begun", async () => {
    const fresh = await makeState();
    await mkdir(join(fresh.state, "start"), { recursive: true });
    await writeFile(join(fresh.state, "start/worker.log"), "of the former start\n");
    const port = await findFreePort();
    const args = ["--port", String(port), "--state", fresh.state];
    const run = await runProgram("dev/start.ts", args, { PREVIEW_DOMAIN: "https://previews.example" });
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/^PREVIEW_DOMAIN must be a separate domain.*\n$/);
    expect(await readFile(join(fresh.state, "start/worker.log"), "utf8")).toBe("of the former start\n");
    await expect.poll(() => listProcesses(fresh.state, port)).toEqual([]);
    await fresh.removeState();
  });

  it("passes every setting on exactly, and prints none of them", async () => {
    const secret = `it's $HOME "#" \\n \${X}`;
    const server = await start(state, { ADMIN_API_KEY: "admin$key#1'", OPENAI_API_KEY: secret, OPENAI_MODEL: "m" });
    expect(server.key).toBe("admin$key#1'");
    expect((await call(server, "/v1/threads")).status).toBe(200);
    expect(server.lines.join("\n")).not.toContain(secret);
    expect((await listProcesses(state, server.port)).join("\n")).not.toContain("admin$key");
    expect(await (await call(server, "/healthz")).json()).toMatchObject({ stand_ins: ["sandbox", "search"] });
  });
});
