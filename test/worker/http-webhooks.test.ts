// Webhooks over HTTP, down to the rows in D1; and what a thread's batches make of them there.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Job } from "../../src/protocol/job.ts";
import type { RunStatus } from "../../src/protocol/run.ts";
import type { Task } from "../../src/protocol/task.ts";
import type { WebhookPayload } from "../../src/protocol/webhook.ts";
import { sweepDeliveries } from "../../src/queue/sweep-deliveries.ts";
import { LIST_OVERDUE } from "../../src/store/deliveries.ts";
import { endLostRuns } from "../../src/store/runs.ts";
import { deleteThread, syncThread, type ThreadBatch } from "../../src/store/sync.ts";
import { createClient } from "./http-client.ts";
import { at, makeRun } from "./http-fake-threads.ts";

const PATH = "/v1/webhooks";
const jobs: Job[] = [];
const queue = {
  sendBatch: async (messages: { body: Job }[]) => void jobs.push(...messages.map(({ body }) => body)),
} as unknown as Queue<unknown>;
const settings = { ENCRYPTION_KEY: "a key", JOBS: queue };
const client = createClient(settings);
const url = "https://receiver.example/hook";
const all = ["run.completed", "run.failed", "run.interrupted", "run.cancelled", "task.updated"];

const make = (body: Record<string, unknown> = {}, from = client) =>
  from.send("POST", PATH, { url, events: all, ...body });

afterEach(async () => {
  vi.restoreAllMocks();
  jobs.length = 0;
  await env.DB.batch(["webhooks", "deliveries", "secrets"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

let threads = 0;

function batchOf(part: Partial<ThreadBatch>, user_id = "user_first"): ThreadBatch {
  return {
    key: { user_id, thread_id: `thread-${threads}` },
    project: null,
    thread: null,
    messages: [],
    runs: [],
    ...part,
  };
}

function endedBatch(status: RunStatus, version = 2, user_id = "user_first"): ThreadBatch {
  const batch = batchOf({}, user_id);
  const run = makeRun(batch.key, { status, finished_at: status === "running" ? null : at });
  return { ...batch, runs: [{ ...run, version, end_seq: 41 }] };
}

function planBatch(tasks: [id: string, status: Task["status"], content?: string][], version: number): ThreadBatch {
  const batch = batchOf({ plan_change: { seq: 10 * version, invocation_id: "inv-001" } });
  const content = {
    sections: [{ id: "sec_1", title: "s" }],
    tasks: tasks.map(([id, status, content = "do it"]) => ({ id, status, content, section_id: "sec_1" })),
  };
  const row = {
    ...batch.key,
    message_id: "msg_plan",
    project_id: "proj-001",
    invocation_id: null,
    agent_id: null,
    type: "task_list" as const,
    is_llm_message: false,
    content,
    metadata: {},
    seq: 5,
    created_at: at,
    version,
  };
  return { ...batch, messages: [row] };
}

async function readPayloads(): Promise<WebhookPayload[]> {
  const { results } = await env.DB.prepare("SELECT payload FROM deliveries ORDER BY delivery_id").all<{
    payload: string;
  }>();
  return results.map(({ payload }) => JSON.parse(payload) as WebhookPayload);
}

const tasksTold = async () =>
  (await readPayloads()).map(({ data }) => `${data.task?.id} ${data.task?.status}`).toSorted();

describe("webhooks", () => {
  it("are made, listed, read, changed and deleted, and the secret is answered once", async () => {
    const made = await make({ events: ["run.failed", "run.completed", "run.failed"] });
    expect(made.status).toBe(201);
    const { secret, ...shown } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toEqual({
      webhook_id: expect.stringMatching(/^hook_/),
      url,
      events: ["run.failed", "run.completed"],
      enabled: true,
      failing_since: null,
      disabled_at: null,
      disabled_reason: null,
      created_at: expect.any(String),
    });
    const path = `${PATH}/${made.body.webhook_id}`;
    expect((await client.send("GET", PATH)).body).toEqual({ data: [shown], next_cursor: null });
    expect((await client.send("GET", path)).body).toEqual(shown);
    await env.DB.prepare(
      "UPDATE webhooks SET enabled = 0, disabled_at = ?1, disabled_reason = 'gone', failing_since = ?1",
    )
      .bind(at)
      .run();
    expect((await client.send("GET", path)).body).toMatchObject({ enabled: false, disabled_reason: "gone" });
    const changed = await client.send("PATCH", path, { enabled: true, events: ["task.updated"], url: `${url}/2` });
    expect(changed.body).toEqual({ ...shown, url: `${url}/2`, events: ["task.updated"] });
    expect((await client.send("DELETE", path)).status).toBe(204);
    expect((await client.send("GET", path)).body.code).toBe("not_found");
    expect((await env.DB.prepare("SELECT * FROM secrets").all()).results).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["no address", { url: "receiver" }, /^url: /],
    ["an address of another kind", { url: "ftp://receiver.example/" }, /^url: .*http/],
    ["a password in the address", { url: "https://ada:canary@receiver.example/" }, /^url: .*no user or password/],
    ["a user in the address", { url: "https://ada@receiver.example/" }, /^url: .*no user or password/],
    ["an address without end", { url: `https://receiver.example/${"a".repeat(2000)}` }, /^url: /],
    ["this computer", { url: "http://localhost:8787/" }, /^url: is this computer itself/],
    ["the cloud's metadata", { url: "http://169.254.169.254/" }, /^url: is a link-local/],
    ["a private network", { url: "http://0xa.1/" }, /^url: is an address of a private network/],
    ["no events", { events: [] }, /^events: /],
    ["an event that there is not", { events: ["run.started"] }, /^events/],
    ["a secret that is none", { secret: "whsec_short" }, /^secret: must be whsec_/],
  ])("are refused with %s", async (_what, body, detail) => {
    const refused = await make(body);
    expect([refused.status, refused.body.code]).toEqual([400, "invalid_field"]);
    expect(refused.body.detail).toMatch(detail);
    expect(refused.text).not.toContain("canary");
  });

  it("may be private where the operator allows it, and can't be changed to be where not", async () => {
    const privately = createClient({ ...settings, ALLOW_PRIVATE_URLS: "1" });
    expect((await make({ url: "http://127.0.0.1:9/" }, privately)).status).toBe(201);
    const made = await make();
    const changed = await client.send("PATCH", `${PATH}/${made.body.webhook_id}`, { url: "http://127.0.0.1:9/" });
    expect([changed.status, changed.body.code]).toEqual([400, "invalid_field"]);
  });

  it("are twenty at most, also where they are asked for at once", async () => {
    const made = await Promise.all(Array.from({ length: 25 }, () => make()));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(made.filter(({ body }) => body.code === "invalid_operation")).toHaveLength(5);
    expect(await env.DB.prepare("SELECT count(*) n FROM secrets").first("n")).toBe(20);
  });

  it("are 503 to make and rotate without ENCRYPTION_KEY", async () => {
    const made = await make();
    const bare = createClient({ ...settings, ENCRYPTION_KEY: "" });
    for (const answer of [
      await make({}, bare),
      await bare.send("POST", `${PATH}/${made.body.webhook_id}/rotate`, {}),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([503, "not_configured"]);
    }
  });

  it("belong to their user: for another they are not there", async () => {
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}`;
    threads += 1;
    await syncThread(env.DB, endedBatch("completed"));
    const { data } = (await client.send("GET", `${path}/deliveries`)).body;
    const other = await client.addUser("user_hook_other");
    const answers = [
      await other.send("GET", path),
      await other.send("PATCH", path, { enabled: false }),
      await other.send("DELETE", path),
      await other.send("POST", `${path}/rotate`, {}),
      await other.send("GET", `${path}/deliveries`),
      await other.send("POST", `${path}/deliveries/${data?.[0]?.delivery_id}/replay`),
      await other.send("POST", `${path}/replay`, { since: at }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    expect((await other.send("GET", PATH)).body.data).toEqual([]);
    expect((await client.send("GET", path)).body.enabled).toBe(true);
  });

  it("are rotated with an overlap, each of many at once with a secret that signs", async () => {
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}/rotate`;
    const rotated = await client.send("POST", path, { overlap_seconds: 60 });
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).not.toBe(made.body.secret);
    const own = `whsec_${btoa("x".repeat(24))}`;
    expect((await client.send("POST", path, { secret: own })).body.secret).toBe(own);
    const many = await Promise.all([1, 2, 3].map(() => client.send("POST", path, {})));
    expect(many.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await client.send("POST", path, { overlap_seconds: 1e9 })).status).toBe(400);
  });

  it("keep secrets out of D1, lists and logs", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const secret = `whsec_${btoa("canary-9f1c-secret-of-mine!!")}`;
    const made = await make({ secret });
    const path = `${PATH}/${made.body.webhook_id}`;
    threads += 1;
    await syncThread(env.DB, endedBatch("completed"));
    const told = [
      await client.send("GET", PATH),
      await client.send("GET", path),
      await client.send("PATCH", path, { enabled: false }),
      await client.send("GET", `${path}/deliveries`),
      await make({ secret, extra: 1 }),
      await make({ secret: `${secret}!` }),
      await make({ secret, url: "x" }),
    ].map(({ text }) => text);
    const rows = await env.DB.prepare("SELECT * FROM secrets, webhooks, deliveries").all<Record<string, unknown>>();
    expect(rows.results).toHaveLength(1);
    const bytes = rows.results.map((row) => JSON.stringify(row) + atob(String(row.sealed)));
    for (const text of [...told, ...bytes, ...written]) {
      expect(text).not.toContain(secret.slice(6, 20));
      expect(text).not.toContain("canary");
    }
  });
});

describe("deliveries", () => {
  it("are made of a run's end in the batch that tells it, once for each webhook that hears of it", async () => {
    threads += 1;
    const [first, second] = [await make(), await make({ events: ["run.completed"] })];
    await make({ events: ["run.failed"] });
    await make({ enabled: false });
    expect(await syncThread(env.DB, endedBatch("running", 1))).toEqual({ made: [], hears_tasks: true });
    const { made } = await syncThread(env.DB, endedBatch("completed"));
    expect(made.map(({ webhook_id }) => webhook_id).toSorted()).toEqual(
      [first.body.webhook_id, second.body.webhook_id].toSorted(),
    );
    expect(new Set(made.map(({ delivery_id }) => delivery_id)).size).toBe(1);
    expect((await readPayloads())[0]).toEqual({
      type: "run.completed",
      timestamp: at,
      data: {
        thread_id: `thread-${threads}`,
        project_id: "proj-of-thread",
        invocation_id: "inv-001",
        status: "completed",
        seq: 41,
      },
    });
    for (const version of [2, 3, 1])
      expect((await syncThread(env.DB, endedBatch("completed", version))).made).toEqual([]);
  });

  it("are none of a user without webhooks, nor of a deleted thread, and cost no row", async () => {
    threads += 1;
    expect(await syncThread(env.DB, endedBatch("completed", 2, "user_without"))).toEqual({
      made: [],
      hears_tasks: false,
    });
    await make();
    await deleteThread(env.DB, endedBatch("failed").key, Date.now());
    expect((await syncThread(env.DB, endedBatch("failed"))).made).toEqual([]);
    expect((await syncThread(env.DB, planBatch([["a", "pending"]], 1))).made).toEqual([]);
    expect(await readPayloads()).toEqual([]);
  });

  it("tell a run that its thread had lost as failed", async () => {
    threads += 1;
    await make();
    const batch = endedBatch("running", 1);
    await syncThread(env.DB, batch);
    await endLostRuns(env.DB, batch.key, ["inv-001", "inv-unknown"], Date.now());
    await endLostRuns(env.DB, batch.key, ["inv-001"], Date.now());
    expect(await readPayloads()).toMatchObject([
      {
        type: "run.failed",
        data: { project_id: "proj-of-thread", invocation_id: "inv-001", status: "failed", seq: null },
      },
    ]);
  });

  it("tell of each task that is new, has another status or text, or is gone, and of no other", async () => {
    threads += 1;
    await make();
    await syncThread(
      env.DB,
      planBatch(
        [
          ["a", "pending"],
          ["b", "pending", "d\u0000ü\ud83d"],
          ["c", "pending"],
        ],
        1,
      ),
    );
    expect(await tasksTold()).toEqual(["a pending", "b pending", "c pending"]);
    expect((await readPayloads())[0]).toMatchObject({
      type: "task.updated",
      data: { thread_id: `thread-${threads}`, project_id: "proj-001", invocation_id: "inv-001", seq: 10 },
    });
    await env.DB.prepare("DELETE FROM deliveries").run();
    const next = planBatch(
      [
        ["a", "completed"],
        ["b", "pending", "d\u0000ü\ud83d"],
        ["d", "pending"],
      ],
      2,
    );
    const { made } = await syncThread(env.DB, next);
    expect(await tasksTold()).toEqual(["a completed", "c deleted", "d pending"]);
    expect(new Set(made.map(({ delivery_id }) => delivery_id)).size).toBe(3);
    for (const { delivery_id } of made) expect(delivery_id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    for (const late of [next, planBatch([["a", "pending"]], 1)])
      expect((await syncThread(env.DB, late)).made).toEqual([]);
    await env.DB.prepare("DELETE FROM deliveries").run();
    await syncThread(
      env.DB,
      planBatch(
        [
          ["a", "completed"],
          ["b", "pending", "reworded"],
          ["d", "pending"],
        ],
        3,
      ),
    );
    expect(await tasksTold()).toEqual(["b pending"]);
  });

  it("are bounded, however large a plan and however many the webhooks are", async () => {
    threads += 1;
    for (let count = 0; count < 5; count++) await make({ events: ["task.updated"] });
    const tasks = Array.from({ length: 500 }, (_, place): [string, "pending"] => [`task_${place}`, "pending"]);
    const { made } = await syncThread(env.DB, planBatch(tasks, 1));
    expect(made).toHaveLength(2_000);
  });

  it("are listed newest first, page by page and by status", async () => {
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}/deliveries`;
    for (const status of ["completed", "failed", "cancelled"] as const) {
      threads += 1;
      await syncThread(env.DB, endedBatch(status));
    }
    await env.DB.prepare("UPDATE deliveries SET status = 'failed' WHERE event = 'run.failed'").run();
    const whole = (await client.send("GET", path)).body.data ?? [];
    expect(whole).toHaveLength(3);
    expect(whole.map(({ delivery_id }) => delivery_id)).toEqual(
      whole
        .map(({ delivery_id }) => String(delivery_id))
        .toSorted()
        .toReversed(),
    );
    expect(whole[0]).toEqual({
      delivery_id: expect.stringMatching(/^del_/),
      event: expect.any(String),
      status: expect.any(String),
      attempts: 0,
      next_attempt_at: expect.any(String),
      tries: [],
      payload: expect.any(Object),
      created_at: expect.any(String),
      finished_at: null,
    });
    const first = await client.send("GET", `${path}?limit=2`);
    const rest = await client.send("GET", `${path}?limit=2&cursor=${first.body.next_cursor}`);
    expect([...(first.body.data ?? []), ...(rest.body.data ?? [])]).toEqual(whole);
    expect(rest.body.next_cursor).toBeNull();
    expect((await client.send("GET", `${path}?status=failed`)).body.data).toMatchObject([{ event: "run.failed" }]);
    expect((await client.send("GET", `${path}?status=lost`)).status).toBe(400);
    expect((await client.send("GET", `${path}?cursor=x`)).body.code).toBe("bad_cursor");
  });

  it("are ended where their webhook is disabled, and deleted with it", async () => {
    threads += 1;
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}`;
    threads += 1;
    await syncThread(env.DB, endedBatch("completed"));
    await client.send("PATCH", path, { enabled: false });
    const { data } = (await client.send("GET", `${path}/deliveries`)).body;
    expect(data).toMatchObject([
      { status: "failed", next_attempt_at: null, tries: [{ error: "The webhook is disabled." }] },
    ]);
    const refused = await client.send("POST", `${path}/deliveries/${data?.[0]?.delivery_id}/replay`);
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_operation"]);
    expect((await client.send("POST", `${path}/replay`, { since: at })).body.code).toBe("invalid_operation");
    await client.send("DELETE", path);
    expect(await readPayloads()).toEqual([]);
  });
});

describe("a replay", () => {
  async function makeEnded(count: number, status: "failed" | "delivered") {
    const made = await make({ events: ["run.completed"] });
    for (let place = 0; place < count; place++) {
      threads += 1;
      await syncThread(env.DB, endedBatch("completed"));
    }
    await env.DB.prepare("UPDATE deliveries SET status = ?, attempts = 10, next_attempt_at = NULL, finished_at = ?")
      .bind(status, at)
      .run();
    return `${PATH}/${made.body.webhook_id}`;
  }

  it("of one begins it anew under its id", async () => {
    const path = await makeEnded(1, "delivered");
    const [row] = (await client.send("GET", `${path}/deliveries`)).body.data ?? [];
    const replayed = await client.send("POST", `${path}/deliveries/${row?.delivery_id}/replay`);
    expect(replayed.status).toBe(202);
    expect(replayed.body).toEqual({
      ...row,
      status: "pending",
      attempts: 0,
      next_attempt_at: expect.any(String),
      finished_at: null,
    });
    expect(jobs).toMatchObject([{ type: "deliver_webhook", delivery_id: row?.delivery_id }]);
    expect((await client.send("POST", `${path}/deliveries/del_unknown/replay`)).status).toBe(404);
  });

  it("of a range takes those that failed, or all that are over, within it", async () => {
    const path = await makeEnded(3, "failed");
    await env.DB.prepare(
      "UPDATE deliveries SET status = 'delivered' WHERE delivery_id = (SELECT min(delivery_id) FROM deliveries)",
    ).run();
    const [minuteAgo, inAMinute] = [-60_000, 60_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const past = await client.send("POST", `${path}/replay`, { since: at, until: minuteAgo });
    expect([past.status, past.body]).toEqual([202, { replayed: 0, next_cursor: null }]);
    const failed = await client.send("POST", `${path}/replay`, { since: minuteAgo, until: inAMinute });
    expect(failed.body).toEqual({ replayed: 2, next_cursor: null });
    const rest = await client.send("POST", `${path}/replay`, { since: minuteAgo, status: "all" });
    expect(rest.body).toEqual({ replayed: 1, next_cursor: null });
    expect(new Set(jobs.map((job) => "delivery_id" in job && job.delivery_id)).size).toBe(3);
    for (const body of [{}, { since: "yesterday" }, { since: at, status: "pending" }]) {
      expect((await client.send("POST", `${path}/replay`, body)).status).toBe(400);
    }
  });

  it("of more than a thousand goes on with its cursor", async () => {
    const path = await makeEnded(1, "failed");
    const copy = `INSERT INTO deliveries SELECT user_id, webhook_id, delivery_id || '_' || value, event, status, attempts,
      next_attempt_at, created_at, finished_at, payload, tries FROM deliveries, json_each(?)`;
    await env.DB.prepare(copy)
      .bind(JSON.stringify(Array.from({ length: 1_200 }, (_, place) => place)))
      .run();
    const since = new Date(Date.now() - 60_000).toISOString();
    const first = await client.send("POST", `${path}/replay`, { since, status: "all" });
    expect(first.body).toEqual({ replayed: 1_000, next_cursor: expect.any(String) });
    await env.DB.prepare("UPDATE deliveries SET status = 'delivered'").run();
    const next = await client.send("POST", `${path}/replay`, { since, status: "all", cursor: first.body.next_cursor });
    expect(next.body).toEqual({ replayed: 201, next_cursor: null });
    expect(new Set(jobs.map((job) => "delivery_id" in job && job.delivery_id)).size).toBe(1_201);
  });

  it("is looked after by the clock where the queue takes nothing", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const path = await makeEnded(1, "failed");
    const away = { sendBatch: () => Promise.reject(new Error("the queue is away")) } as unknown as Queue<unknown>;
    const [row] = (await client.send("GET", `${path}/deliveries`)).body.data ?? [];
    const begun = await createClient({ ...settings, JOBS: away }).send(
      "POST",
      `${path}/deliveries/${row?.delivery_id}/replay`,
    );
    expect(begun.status).toBe(202);
    await sweepDeliveries({ ...env, JOBS: queue }, Date.now());
    expect(jobs).toEqual([]);
    await sweepDeliveries({ ...env, JOBS: queue }, Date.now() + 31_000);
    expect(jobs).toMatchObject([{ type: "deliver_webhook", delivery_id: row?.delivery_id }]);
  });
});

describe("the sweep", () => {
  it("looks at those that are due by their index alone", async () => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${LIST_OVERDUE}`)
      .bind(at, 10)
      .all<{ detail: string }>();
    expect(results.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/SEARCH deliveries USING (COVERING )?INDEX deliveries_due/),
    ]);
  });
});
