// What the stand-in refuses without wrangler; `test/e2e/deploy*.test.ts` run the real one against it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAccount } from "./account.ts";
import { splitStatements } from "./databases.ts";
import { type RunningCloudflare, startCloudflare } from "./server.ts";

let cloudflare: RunningCloudflare;

beforeEach(async () => {
  const zones = [{ id: "zone", name: "example.com", records: ["taken.example.com"] }];
  cloudflare = await startCloudflare({ port: 0, token: "token", accounts: [makeAccount({ zones })] });
});
afterEach(() => cloudflare.close());

interface Answer {
  success: boolean;
  errors: { code: number; message: string }[];
  result: Record<string, string>;
}

async function ask(method: string, path: string, body?: unknown, token = "token"): Promise<Answer> {
  const isForm = body instanceof FormData;
  const response = await fetch(`${cloudflare.url}/accounts/${cloudflare.account.id}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(isForm ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  return (await response.json()) as Answer;
}

const codeOf = async (...args: Parameters<typeof ask>) => (await ask(...args)).errors[0]?.code ?? null;

const metadata = { main_module: "a.js", compatibility_date: "2026-11-01" };

function upload(own: object = {}): FormData {
  const form = new FormData();
  form.set("metadata", JSON.stringify({ ...metadata, ...own }));
  form.set("a.js", new File(["export default {}"], "a.js", { type: "application/javascript+module" }));
  return form;
}

const script = "/workers/scripts/w";
const rateLimit = (own: object) => ({ name: "L", type: "ratelimit", namespace_id: "7", ...own });
const many = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ name: `T${at}`, type: "plain_text", text: "" }));

describe("the stand-in for Cloudflare", () => {
  it("refuses another token, and routes that it does not know", async () => {
    expect(await codeOf("GET", "/queues", undefined, "other")).toBe(10_000);
    expect(await codeOf("GET", "/r2/buckets")).toBe(7003);
  });

  it("knows databases by id and name, and runs a query as a whole or not at all", async () => {
    const { result } = await ask("POST", "/d1/database", { name: "a" });
    expect(await codeOf("POST", "/d1/database", { name: "a" })).toBe(7502);
    expect(await codeOf("POST", "/d1/database", { name: "b", jurisdiction: "mars" })).toBe(7400);
    expect((await ask("GET", "/d1/database/a")).result.uuid).toBe(result.uuid);
    expect(await codeOf("GET", "/d1/database/b")).toBe(7404);
    const query = `/d1/database/${result.uuid}/query`;
    const sql = "CREATE TABLE t (x); INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (1)";
    expect(await codeOf("POST", query, { sql })).toBe(7500);
    expect(await codeOf("POST", query, { sql: "SELECT * FROM t" })).toBe(7500);
  });

  it("gives a queue one consumer, whose Worker exists", async () => {
    const { result } = await ask("POST", "/queues", { queue_name: "q" });
    expect(await codeOf("POST", "/queues", { queue_name: "q" })).toBe(11_009);
    const consumers = `/queues/${result.queue_id}/consumers`;
    const consumer = { type: "worker", script_name: "w", settings: { batch_size: 20 } };
    expect(await codeOf("POST", consumers, consumer)).toBe(10_007);
    expect(await codeOf("PUT", script, upload())).toBe(null);
    expect(await codeOf("POST", consumers, { ...consumer, dead_letter_queue: "none" })).toBe(11_000);
    expect(await codeOf("POST", consumers, { ...consumer, settings: { batch_size: 101 } })).toBe(11_006);
    expect(await codeOf("POST", consumers, consumer)).toBe(null);
    expect(await codeOf("POST", consumers, consumer)).toBe(11_004);
  });

  it.each([
    ["a module that is not there", { main_module: "b.js" }, 10_021],
    ["a date in the future", { compatibility_date: "2999-01-01" }, 10_021],
    ["more CPU than there is", { limits: { cpu_ms: 300_001 } }, 10_021],
    ["a database that is not there", { bindings: [{ name: "DB", type: "d1", id: "none" }] }, 10_021],
    ["a queue that is not there", { bindings: [{ name: "Q", type: "queue", queue_name: "none" }] }, 100_104],
    [
      "a class without a migration",
      { bindings: [{ name: "T", type: "durable_object_namespace", class_name: "T" }] },
      10_061,
    ],
    [
      "two bindings of a name",
      {
        bindings: [
          { name: "A", type: "plain_text", text: "" },
          { name: "A", type: "secret_text", text: "" },
        ],
      },
      10_053,
    ],
    ["a text that is too long", { bindings: [{ name: "A", type: "plain_text", text: "x".repeat(5_121) }] }, 10_021],
    [
      "a rate limit by a name",
      { bindings: [{ name: "L", type: "ratelimit", namespace_id: "x", simple: { limit: 1, period: 60 } }] },
      10_021,
    ],
    ["a rate limit over another time", { bindings: [rateLimit({ simple: { limit: 1, period: 30 } })] }, 10_021],
    ["a text whose name is none", { bindings: [{ name: "A=B", type: "secret_text", text: "" }] }, 10_021],
    ["more texts than there may be", { bindings: many(129) }, 10_021],
    ["a delay of more than a day", { code_update_strategy: { mode: "deferred", max_delay: 86_401 } }, 10_021],
    ["a strategy that there is not", { code_update_strategy: { mode: "never" } }, 10_021],
    ["more samples than requests", { observability: { traces: { head_sampling_rate: 1.5 } } }, 10_021],
    ["rules for files that are all exceptions", { assets: { jwt: "", config: { run_worker_first: ["!/a"] } } }, 10_021],
    ["a rule for files that is no path", { assets: { jwt: "", config: { run_worker_first: ["a/*"] } } }, 10_021],
    ["what nothing can be inherited for", { bindings: [{ name: "A", type: "inherit" }] }, 10_057],
    ["a migration from a tag that it hasn't", { migrations: { old_tag: "v1", new_tag: "v2", steps: [] } }, 10_079],
  ])("refuses an upload with %s", async (_what, own, code) => {
    expect(await codeOf("PUT", script, upload(own))).toBe(code);
    expect(cloudflare.account.scripts.size).toBe(0);
  });

  it("keeps secrets over uploads, and rolls back over changed ones only by force", async () => {
    const secret = (text: string) => ({
      bindings: [{ name: "A", type: "secret_text", text }],
      keep_bindings: ["secret_text"],
    });
    await ask("PUT", script, upload(secret("one")));
    await ask("PUT", script, upload({ keep_bindings: ["secret_text"] }));
    expect((await ask("GET", `${script}/secrets`)).result).toEqual([{ name: "A", type: "secret_text" }]);
    expect(await codeOf("PUT", script, upload({ bindings: [{ name: "A", type: "plain_text", text: "" }] }))).toBe(
      10_053,
    );
    await ask("PUT", script, upload(secret("two")));
    const [first] = cloudflare.account.scripts.get("w")?.versions ?? [];
    const back = { strategy: "percentage", versions: [{ version_id: first?.id, percentage: 100 }] };
    expect(await codeOf("POST", `${script}/deployments`, back)).toBe(10_220);
    expect(await codeOf("POST", `${script}/deployments?force=true`, back)).toBe(null);
  });

  it("rolls back to none from before classes or queues changed, nor to an old one", async () => {
    await ask("POST", "/queues", { queue_name: "q" });
    await ask("PUT", script, upload({ bindings: [{ name: "Q", type: "queue", queue_name: "q" }] }));
    await ask("PUT", script, upload());
    const worker = cloudflare.account.scripts.get("w");
    const back = (at: number) => ({
      strategy: "percentage",
      versions: [{ version_id: worker?.versions[at]?.id, percentage: 100 }],
    });
    expect(await codeOf("POST", `${script}/deployments`, back(0))).toBe(null);
    cloudflare.account.queues.splice(0);
    expect(await codeOf("POST", `${script}/deployments`, back(0))).toBe(100_104);
    await ask("PUT", script, upload({ migrations: { new_tag: "v1", steps: [{ new_sqlite_classes: ["T"] }] } }));
    expect(await codeOf("POST", `${script}/deployments`, back(1))).toBe(10_214);
    for (let count = 0; count < 100; count += 1) await ask("PUT", script, upload());
    expect(await codeOf("POST", `${script}/deployments`, back(2))).toBe(10_213);
    expect(await codeOf("POST", `${script}/deployments`, back(3))).toBe(null);
  });

  it("refuses what D1 does: long statements, wide tables, transactions of one's own", async () => {
    const { result } = await ask("POST", "/d1/database", { name: "a" });
    const query = (sql: string) => codeOf("POST", `/d1/database/${result.uuid}/query`, { sql });
    const columns = (count: number) => Array.from({ length: count }, (_, at) => `c${at}`).join(", ");
    expect(await query(`SELECT '${"x".repeat(99_000)}'`)).toBe(null);
    expect(await query(`SELECT '${"x".repeat(100_000)}'`)).toBe(7500);
    expect(await query(`CREATE TABLE narrow (${columns(100)})`)).toBe(null);
    expect(await query(`CREATE TABLE wide (${columns(101)})`)).toBe(7500);
    expect(await query("BEGIN TRANSACTION")).toBe(7500);
  });

  it("lets the Free plan have less", async () => {
    cloudflare.account.is_paid = false;
    await ask("PUT", script, upload());
    const crons = (count: number) => Array.from({ length: count }, () => ({ cron: "* * * * *" }));
    expect(await codeOf("PUT", `${script}/schedules`, crons(5))).toBe(null);
    expect(await codeOf("PUT", `${script}/schedules`, crons(6))).toBe(10_101);
    for (let count = 0; count < 10; count += 1) await ask("POST", "/d1/database", { name: `d${count}` });
    expect(await codeOf("POST", "/d1/database", { name: "more" })).toBe(7406);
    expect(await codeOf("PUT", script, upload({ limits: { cpu_ms: 10 } }))).toBe(100_328);
    expect(await codeOf("PUT", script, upload({ bindings: many(65) }))).toBe(10_021);
  });

  it.each(["a-", "A", "a".repeat(64), "-a"])("has no Worker of the name %s", async (name) => {
    expect(await codeOf("PUT", `/workers/scripts/${name}`, upload())).toBe(10_016);
  });

  it("refuses addresses that the account has not", async () => {
    await ask("PUT", script, upload());
    expect(await codeOf("PUT", `${script}/routes`, [{ pattern: "*.other.example/*" }])).toBe(100_116);
    expect(await codeOf("PUT", `${script}/schedules`, [{ cron: "each minute" }])).toBe(10_100);
    const origins = [{ hostname: "taken.example.com" }];
    expect(await codeOf("PUT", `${script}/domains/records`, { origins })).toBe(100_117);
    expect(await codeOf("PUT", `${script}/domains/records`, { origins, override_existing_dns_record: true })).toBe(
      null,
    );
    cloudflare.account.subdomain = null;
    expect(await codeOf("POST", `${script}/subdomain`, { enabled: true })).toBe(10_063);
  });
});

describe("splitStatements", () => {
  it("ends a statement at a semicolon outside of quotes, comments and triggers", () => {
    const trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = 1; END";
    expect(splitStatements(`SELECT ';' ; -- no; \n ${trigger}; /* ; */ SELECT "a;b"`)).toEqual([
      "SELECT ';'",
      trigger,
      'SELECT "a;b"',
    ]);
  });
});
