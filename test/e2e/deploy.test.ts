// The two commands that put Taskloom on Cloudflare, with the real wrangler and the stand-in for Cloudflare's API. What was
// uploaded runs in workerd, with the bindings that were made, and does the main job.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeAccount } from "../../dev/cloudflare/account.ts";
import { checkStart, type Edge, startEdge } from "../../dev/cloudflare/edge.ts";
import { startDaytona } from "../../dev/daytona/server.ts";
import { startModel } from "../../dev/model/server.ts";
import { startSearch } from "../../dev/search/server.ts";
import { type Deploying, startDeploying } from "../setup/deploying.ts";
import { clientOf } from "../setup/server-client.ts";

let deploying: Deploying;
let edge: Edge;
let settings: Record<string, string>;
let closing: (() => Promise<void>)[];
const keys = { model: "model-key-of-the-deployment", sandbox: "sandbox-key-of-the-deployment" };

beforeAll(async () => {
  deploying = await startDeploying({ accounts: [makeAccount()], check: checkStart });
  edge = await startEdge(deploying.cloudflare.account, "taskloom");
  const model = await startModel({ port: 0, tokensPerSecond: 0, apiKey: keys.model });
  const state = join(deploying.folder, "../daytona");
  const daytona = await startDaytona({ port: 0, state, apiKey: keys.sandbox });
  const search = await startSearch({ port: 0 });
  closing = [
    () => edge.close(),
    () => daytona.close(),
    () => model.close(),
    () => search.close(),
    () => deploying.close(),
  ];
  settings = {
    ...{ OPENAI_BASE_URL: model.baseUrl, OPENAI_MODEL: "taskloom-scripted-demo", OPENAI_API_KEY: keys.model },
    ...{ DAYTONA_API_URL: daytona.apiUrl, DAYTONA_API_KEY: keys.sandbox, SEARXNG_URL: search.url },
    ALWAYS_APPROVE: "none",
  };
});
afterAll(async () => {
  for (const close of closing) await close();
});

const secretsPath = () => join(deploying.folder, "production/secrets.json");

describe("npm run setup and npm run deploy", () => {
  it("refuses a key that its server refuses, and keeps nothing", async () => {
    const run = await deploying.setUp([], { ...settings, DAYTONA_API_KEY: "another-key" });
    expect(run.code).toBe(1);
    expect(run.text).toMatch(/sandboxes \(DAYTONA_API_KEY\): .* refuses the key \(401\)/);
    expect(run.text).not.toContain("another-key");
    await expect(stat(secretsPath())).rejects.toThrow("ENOENT");
  });

  it("make a deployment that plans, works in a sandbox and says where it is", { timeout: 240_000 }, async () => {
    const setup = await deploying.setUp([], settings);
    expect(setup).toMatchObject({ code: 0 });
    const secrets = JSON.parse(await readFile(secretsPath(), "utf8")) as Record<string, string>;
    expect((await stat(secretsPath())).mode & 0o777).toBe(0o600);
    for (const name of ["ADMIN_API_KEY", "ENCRYPTION_KEY"]) expect(secrets[name]?.length).toBeGreaterThan(40);
    for (const name of ["ADMIN_API_KEY", "ENCRYPTION_KEY", "OPENAI_API_KEY"]) {
      expect(setup.text).not.toContain(secrets[name]);
    }

    const first = await deploying.deploy(["--url", edge.url]);
    expect(first).toMatchObject({ code: 0 });
    const link = /open +(\S+)#key=(\S+)/.exec(first.text);
    expect(link?.[1]).toBe(`${edge.url}/`);
    const { account, log } = deploying.cloudflare;
    const { bindings } = account.scripts.get("taskloom")?.versions[0] ?? {};
    expect(account.databases.map(({ name }) => name)).toEqual(["taskloom"]);
    expect(account.queues.map(({ queue_name, consumers }) => [queue_name, consumers[0]?.script])).toEqual([
      ["taskloom-jobs", "taskloom"],
      ["taskloom-dead", "taskloom"],
    ]);
    expect(bindings).toContainEqual({ name: "DEAD_QUEUE", type: "plain_text", text: "taskloom-dead" });
    expect(bindings).toContainEqual({ name: "ENCRYPTION_KEY", type: "secret_text", text: secrets.ENCRYPTION_KEY });

    const client = clientOf({ url: edge.url, key: decodeURIComponent(link?.[2] ?? "") });
    const answer = await client.request(
      "POST",
      "/v1/threads/shop/runs",
      { message: "帮我做一个电商网站" },
      {
        accept: "text/event-stream",
      },
    );
    const events = await answer.text();
    expect(events).toContain('"RUN_FINISHED"');
    const { data } = await client.json<{ data: { status: string }[] }>("GET", "/v1/threads/shop/runs");
    expect(data.map(({ status }) => status)).toEqual(["completed"]);
    const messages = JSON.stringify(await client.json("GET", "/v1/threads/shop/messages?limit=200"));
    expect(messages).toContain("node check.js");
    const page = await fetch(`${edge.url}/`, { headers: { accept: "text/html" } });
    expect(await page.text()).toContain("<title>");

    log.length = 0;
    const second = await deploying.deploy(["--url", edge.url]);
    expect(second).toMatchObject({ code: 0 });
    expect(second.text).toContain("already runs this version");
    expect(second.text).toContain(link?.[0]);
    expect(log.filter((line) => !line.startsWith("GET ") && !line.endsWith("/query"))).toEqual([]);
  });
});
