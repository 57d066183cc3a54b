// A Worker whose database was made by a version before 0.2.0: it asks that, and nothing else.
import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  env,
  getQueueResult,
  waitOnExecutionContext,
} from "cloudflare:test";
import { beforeEach, expect, it } from "vitest";
import worker from "../../src/index.ts";
import { FORMER_DATABASE } from "../../src/store/monitor/schema-version.ts";
import { ADMIN_KEY } from "./http-client.ts";

const LOOK = "SELECT min(name) AS oldest, max(name) AS newest FROM d1_migrations";

let asked: string[];
let bindings: typeof env;

beforeEach(async () => {
  await env.DB.prepare("INSERT OR IGNORE INTO d1_migrations (name) VALUES ('0017_receipts.sql')").run();
  asked = [];
  const DB = new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name === "prepare" || name === "exec") {
        return (query: string) => {
          asked.push(query);
          return target[name](query);
        };
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  bindings = { ...env, DB, PREVIEW_DOMAIN: "previews.example" };
});

async function send(method: string, address: string, key: string | null = ADMIN_KEY): Promise<Response> {
  const headers: HeadersInit = key === null ? {} : { authorization: `Bearer ${key}` };
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(new URL(address, "https://app.example"), {
    method,
    headers,
  });
  const answer = await worker.fetch(request, bindings, context);
  await waitOnExecutionContext(context);
  return answer;
}

it.each([
  ["GET", "/v1/threads"],
  ["DELETE", "/v1/threads/t"],
  ["POST", "/v1/users"],
  ["POST", "/hooks/of-somebody"],
  ["POST", "/slack/events"],
  ["POST", "/ag-ui"],
])("%s %s is refused, with what to do", async (method, path) => {
  const answer = await send(method, path);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: "not_configured", detail: FORMER_DATABASE });
  expect(asked).toEqual([LOOK]);
});

it("a preview's host can't be reached", async () => {
  const answer = await send("GET", `https://3000-${"a".repeat(26)}.previews.example/`, null);
  expect(answer.status).toBe(503);
  expect(asked).toEqual([LOOK]);
});

it("the health answers, and the deep look says what is wrong", async () => {
  expect((await send("GET", "/healthz", null)).status).toBe(200);
  expect(asked).toEqual([]);
  const deep = await send("GET", "/healthz?deep=1");
  expect(await deep.json()).toMatchObject({
    checks: expect.arrayContaining([expect.objectContaining({ name: "schema", problem: FORMER_DATABASE })]),
  });
});

it("jobs come again later, dead ones too, and the clock does nothing", async () => {
  const job = { type: "run_agent_background", user_id: "user_first", thread_id: "t", invocation_id: "i" };
  for (const queue of ["taskloom-jobs", "taskloom-dead"]) {
    const batch = createMessageBatch(queue, [{ id: "m", timestamp: new Date(), attempts: 1, body: job }]);
    const context = createExecutionContext();
    await worker.queue(batch, bindings, context);
    const { retryBatch, explicitAcks } = await getQueueResult(batch, context);
    expect([retryBatch.retry, explicitAcks]).toEqual([true, []]);
  }
  await worker.scheduled(createScheduledController(), bindings);
  expect(asked).toEqual([LOOK]);
});

it("a later isolate with another database serves it", async () => {
  await env.DB.prepare("DELETE FROM d1_migrations WHERE name = '0017_receipts.sql'").run();
  expect((await send("GET", "/v1/threads")).status).toBe(200);
  await send("GET", "/v1/threads");
  expect(asked.filter((query) => query === LOOK)).toHaveLength(1);
});
