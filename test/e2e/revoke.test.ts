// What a deleted key made, at the sandbox's own entry points: a link that Daytona signed, made by an agent, and SSH.
// With a kill of the runtime between what D1 decides and what Daytona does.
import { once } from "node:events";
import { Client } from "ssh2";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { eventually } from "./daytona-fixture.ts";
import { openPreview, SANDBOX_KEY, startTaskloom, type Taskloom } from "./harness.ts";

const page = "require('http').createServer((q,s)=>s.end('the shop')).listen(3000)";
const write = `[[tool create_file ${JSON.stringify({ path: "app.js", content: page })}]]`;
const serve = '[[then]][[tool execute_command {"command":"node app.js","background":true}]]';
const expose = '[[tool expose_port {"port":3000}]]';
const path = "/v1/projects/shop/sandbox";
const quarterHour = new Date("2026-11-27T10:15:00Z");

interface Made {
  type: string;
  id: string;
  pending?: true;
  made_by: string;
}

let taskloom: Taskloom;
let owner: ServerClient;
let thief: ServerClient;
let key_id: string;
let threads = 0;

beforeAll(async () => {
  taskloom = await startTaskloom();
  const made = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: "user_owner" });
  owner = clientOf({ url: taskloom.url, key: made.api_key });
  await owner.json("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
  await work(owner, write + serve);
});
afterAll(() => taskloom?.close());

beforeEach(async () => {
  const made = await owner.json<{ key: string; key_id: string }>("POST", "/v1/api-keys", {});
  key_id = made.key_id;
  thief = clientOf({ url: taskloom.url, key: made.key });
});

async function work(client: ServerClient, message: string): Promise<void> {
  threads += 1;
  await client.json("POST", "/v1/threads", { thread_id: `t${threads}`, project_id: "shop" });
  const run = await client.json<{ status: string }>("POST", `/v1/threads/t${threads}/runs?wait=1`, { message });
  expect(run.status).toBe("completed");
}

/** The address of a link that an agent made for whoever holds the client's key. */
async function exposeByAgent(client: ServerClient): Promise<string> {
  await work(client, expose);
  const { data } = await client.json<{ data: { url: string }[] }>("GET", `${path}/previews`);
  return data[0]?.url ?? "";
}

async function openSsh(client: ServerClient): Promise<{ port: number; username: string }> {
  const { command } = await client.json<{ command: string }>("POST", `${path}/ssh`, {});
  const [, port, username = ""] = /-p (\d+) (\w+)@/.exec(command) ?? [];
  return { port: Number(port), username };
}

async function opensSsh({ port, username }: { port: number; username: string }): Promise<boolean> {
  const client = new Client();
  const opened = Promise.race([once(client, "ready"), once(client, "close").then(() => null)]).catch(() => null);
  client.connect({ host: "127.0.0.1", port, username });
  const isOpen = (await opened) !== null;
  client.on("error", () => {}).end();
  return isOpen;
}

async function listMade(): Promise<Made[]> {
  return (await owner.json<{ data: Made[] }>("GET", `/v1/api-keys/${key_id}/made`)).data;
}

const revoke = () => owner.request("DELETE", `/v1/api-keys/${key_id}?made=revoke`);

describe("a revoked key's link and SSH access", () => {
  it("open nothing from then on", async () => {
    const link = await exposeByAgent(thief);
    const access = await openSsh(thief);
    expect(await openPreview(link)).toEqual({ status: 200, text: "the shop" });
    expect(await opensSsh(access)).toBe(true);
    expect(await listMade()).toMatchObject([
      { type: "ssh_access", id: "shop", made_by: key_id },
      { type: "preview", id: "3000", made_by: key_id },
    ]);
    expect((await revoke()).status).toBe(204);
    expect((await openPreview(link)).status).toBe(401);
    expect(await opensSsh(access)).toBe(false);
    expect(await listMade()).toEqual([]);
  });

  it("are ended although the runtime was killed before Daytona got the request", async () => {
    const link = await exposeByAgent(thief);
    const access = await openSsh(thief);
    const faults = `${new URL(taskloom.settings.DAYTONA_API_URL ?? "").origin}/faults`;
    const headers = { authorization: `Bearer ${SANDBOX_KEY}` };
    for (const request of ["POST *signed-preview-url/*", "DELETE *ssh-access*"]) {
      await fetch(faults, { method: "POST", headers, body: JSON.stringify({ request, answer: "silence" }) });
    }
    const cut = revoke().catch(() => null);
    await eventually(async () => (await listMade()).filter(({ pending }) => pending).length === 2);
    await taskloom.runtime.restart();
    await cut;
    await fetch(faults, { method: "DELETE", headers });
    // The key is gone with the decision, whatever is left to do.
    expect((await thief.request("GET", "/v1/threads")).status).toBe(401);
    expect((await openPreview(link)).status).toBe(200);
    expect(await opensSsh(access)).toBe(true);
    await taskloom.runtime.fireCron(quarterHour);
    await eventually(async () => (await listMade()).length === 0);
    expect((await openPreview(link)).status).toBe(401);
    expect(await opensSsh(access)).toBe(false);
  });
});
