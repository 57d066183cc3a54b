// The end of an account while something is away, and what comes to it afterwards.
import { env } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AccountPart, AccountScope } from "../../src/accounts/part.ts";
import { closeAccount } from "../../src/accounts/routes/jobs.ts";
import { sweepAccounts } from "../../src/accounts/routes/sweep.ts";
import { threadsPart } from "../../src/http/routes/account-parts/threads.ts";
import { sandboxName } from "../../src/projects/sandbox.ts";
import type { Job } from "../../src/protocol/job.ts";
import { syncThread } from "../../src/store/sync.ts";
import {
  close,
  decide,
  deliverJob,
  expectEmptied,
  makeAccount,
  objectsWithout,
  readTables,
  recordingQueue,
} from "./account-client.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";
import { connect, createSlackClient } from "./slack-client.ts";
import { threadClient } from "./thread-client.ts";

/** Daytona refuses this key at once; an unreachable server would be retried for ten seconds. */
const away = { DAYTONA_API_KEY: "a key that is wrong" };
const QUARTER = Date.parse("2026-11-28T10:15:00Z");
const MINUTE = 60_000;
/** Objects and sandboxes take their time on a busy machine. */
const patient = { timeout: 60_000 };
const DAY = 24 * 60 * MINUTE;

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const jobsOf = (user_id: string, sent: { job: Job; delay: number | undefined }[]) =>
  sent.filter(({ job }) => job.user_id === user_id);

describe("the jobs of an account's end", patient, () => {
  it("look again after it is emptied, at last the sweep after a day", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    for (const [ago, delays] of [
      [0, [20]],
      [30_000, [60]],
      [5 * MINUTE, [15 * 60]],
      [21 * MINUTE, []],
    ] as const) {
      const user_id = await makeAccount();
      await decide(user_id, "deleted_at", ago);
      const { sent, JOBS } = recordingQueue();
      await deliverJob(close(user_id), { JOBS });
      await expectEmptied(user_id);
      const own = jobsOf(user_id, sent);
      expect(own.map(({ job }) => job)).toEqual(delays.map(() => close(user_id)));
      expect(own.map(({ delay }) => delay)).toEqual(delays);
    }
  });

  it("wait for a decision that was announced, and do nothing to a user without one", async () => {
    const user_id = await makeAccount();
    const before = await readTables(user_id);
    const { sent, JOBS } = recordingQueue();
    for (const attempt of [1, 2, 3]) await deliverJob(close(user_id, attempt), { JOBS });
    await decide(user_id, "disabled_at");
    await deliverJob(close(user_id, 3), { JOBS });
    expect(sent.map(({ job }) => job)).toEqual([close(user_id, 2), close(user_id, 3)]);
    const { users: _, ...rows } = await readTables(user_id);
    const { users: __, ...former } = before;
    expect(rows).toEqual(former);
  });

  it("come in slices, each of which gives every part its turn and counts as no failure", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "deleted_at");
    const asked: string[] = [];
    let now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => (now += 7_000));
    const part = (name: string): AccountPart => ({
      name,
      remove: async () => {
        asked.push(name);
        return "more";
      },
    });
    const { sent, JOBS } = recordingQueue();
    await closeAccount(close(user_id, 5), { ...env, JOBS } as never, [part("large"), part("small")]);
    expect(new Set(asked)).toEqual(new Set(["large", "small"]));
    expect(asked.length).toBeLessThan(10);
    expect(sent).toEqual([{ job: close(user_id, 5), delay: 0 }]);
    // One that the sweep sent ends when the next sweep has sent another.
    now = QUARTER - 20_000;
    await closeAccount(close(user_id, 8), { ...env, JOBS } as never, [part("large")]);
    expect(sent).toHaveLength(1);
    now = QUARTER;
    await closeAccount(close(user_id, 8), { ...env, JOBS } as never, [part("large")]);
    expect(sent).toHaveLength(2);
  });

  it("wait longer with each failure, and leave the rest to the sweep", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "deleted_at");
    const broken: AccountPart = { name: "broken", remove: () => Promise.reject(new Error("away")) };
    const { sent, JOBS } = recordingQueue();
    for (const attempt of [1, 2, 7, 8]) {
      await closeAccount(close(user_id, attempt), { ...env, JOBS } as never, [broken]);
    }
    expect(sent.map(({ delay }) => delay)).toEqual([5, 10, 300]);
    const swept = recordingQueue();
    await sweepAccounts({ ...env, JOBS: swept.JOBS } as never, QUARTER + MINUTE);
    expect(jobsOf(user_id, swept.sent)).toEqual([]);
    await sweepAccounts({ ...env, JOBS: swept.JOBS } as never, QUARTER);
    expect(jobsOf(user_id, swept.sent)).toMatchObject([{ job: close(user_id, 8) }]);
  });
});

describe("the sweep of accounts", patient, () => {
  it("finds one whose job was lost, one that is due a day later, and no other", async () => {
    const ids: Record<string, string> = {};
    const make = async (name: string, deleted_ago: number, purged_ago: number | null) => {
      const user_id = `user_swept_${name}_${crypto.randomUUID().slice(0, 8)}`;
      ids[name] = user_id;
      const time = (ago: number) => new Date(QUARTER - ago).toISOString();
      await env.DB.prepare("INSERT INTO users (user_id, created_at, deleted_at, purged_at) VALUES (?, ?, ?, ?)")
        .bind(user_id, time(2 * DAY), time(deleted_ago), purged_ago === null ? null : time(purged_ago))
        .run();
    };
    await make("lost", MINUTE, null);
    await make("fresh", 10 * MINUTE, 9 * MINUTE);
    await make("late", 21 * MINUTE, 19 * MINUTE + 2 * MINUTE);
    await make("looked", 25 * MINUTE, 4 * MINUTE);
    await make("day", DAY + MINUTE, DAY - 5 * MINUTE + 10 * MINUTE);
    await make("over", 3 * DAY, 2 * DAY - MINUTE);
    const { sent, JOBS } = recordingQueue();
    await sweepAccounts({ ...env, JOBS } as never, QUARTER);
    const found = new Set(sent.map(({ job }) => job.user_id));
    const names = Object.entries(ids).flatMap(([name, id]) => (found.has(id) ? [name] : []));
    expect(names.sort()).toEqual(["day", "late", "lost"]);
  });

  it("ends within a minute what an object brought afterwards", async () => {
    const { key } = threadClient();
    const { user_id } = key;
    await decide(user_id, "deleted_at");
    await deliverJob(close(user_id), { JOBS: recordingQueue().JOBS });
    // It does not say that D1 may not have the thread yet.
    const runs = [{ ...makeRun(key, { status: "running" }), version: 1 }];
    await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
    expect((await readTables(user_id)).runs).toHaveLength(1);
    const { sent, JOBS } = recordingQueue();
    await sweepAccounts({ ...env, JOBS } as never, QUARTER + MINUTE);
    const [found] = jobsOf(user_id, sent);
    expect(found?.job).toEqual(close(user_id, 8));
    await deliverJob(found?.job as Job, { JOBS });
    await expectEmptied(user_id);
  });
});

describe("the threads of an account that is closed", patient, () => {
  it("go first where they work, however many there are", async () => {
    const client = threadClient();
    const { user_id } = client.key;
    const rows = Array.from({ length: 30 }, (_, index) =>
      env.DB.prepare(
        "INSERT INTO threads VALUES (?1, ?2, 'p', 'agent_default', 1, '2026-01-01', '2026-01-01', NULL, NULL, '{}')",
      ).bind(user_id, `idle-${index}`),
    );
    await env.DB.batch(rows);
    expect((await client.stub.accept(client.input("[[pace 20]] [[say 2000]]"))).ok).toBe(true);
    await client.stub.sync(client.key);
    const { JOBS } = recordingQueue();
    const scope = { env: { ...env, JOBS }, user_id, signal: new AbortController().signal } as unknown as AccountScope;
    expect(await threadsPart.remove(scope)).toBe("more");
    expect(await client.stub.readThread(client.key)).toMatchObject({ ok: false });
    const left = (await readTables(user_id)).threads?.filter(
      (row) => (row as { deleted_at: unknown }).deleted_at === null,
    );
    expect(left).toHaveLength(30);
  });
});

describe("rows of threads that nobody knows", patient, () => {
  it("go too, also those of runs that D1 takes for live", async () => {
    const user_id = `user_stray_${crypto.randomUUID().slice(0, 8)}`;
    const run = env.DB.prepare("INSERT INTO runs VALUES (?1, ?2, 'inv', ?3, 1, '2026-01-01', '2026-01-01', '{}')");
    await env.DB.batch([
      run.bind(user_id, "unknown", "running"),
      run.bind(user_id, "gone", "queued"),
      run.bind(user_id, "over", "completed"),
      env.DB.prepare(
        "INSERT INTO threads VALUES (?1, 'gone', '', '', 1, '2026-01-01', '2026-01-01', '2026-01-01', NULL, '{}')",
      ).bind(user_id),
    ]);
    await decide(user_id, "deleted_at");
    const { JOBS } = recordingQueue();
    await deliverJob(close(user_id), { JOBS });
    await expectEmptied(user_id);
  });
});

describe("an account that is closed while", patient, () => {
  it("the sandbox provider is away keeps the project until its sandbox is deleted, though the queue forgets all", async () => {
    const admin = createClient();
    const user_id = `user_away_${crypto.randomUUID().slice(0, 8)}`;
    const owner = await admin.addUser(user_id);
    const daytona = new Daytona({
      apiKey: env.DAYTONA_API_KEY ?? "",
      apiUrl: env.DAYTONA_API_URL ?? "",
      useDeprecatedPolling: true,
    });
    await owner.send("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
    expect((await owner.send("POST", "/v1/projects/shop/sandbox/start")).status).toBe(200);
    const name = await sandboxName(user_id, "shop");
    const stateOf = () =>
      daytona.get(name).then(
        ({ state }) => String(state),
        () => "none",
      );
    expect(await stateOf()).toBe("started");
    await decide(user_id, "deleted_at");
    const { sent, JOBS } = recordingQueue();
    await deliverJob(close(user_id), { JOBS, ...away });
    const { users, projects, audit_entries: _, ...others } = await readTables(user_id);
    expect(Object.values(others).flat()).toEqual([]);
    expect([users, projects]).toMatchObject([[{ purged_at: null }], [{ project_id: "shop" }]]);
    expect(await stateOf()).toBe("started");
    expect(sent.map(({ job }) => job)).toEqual([close(user_id, 2)]);
    const swept = recordingQueue();
    await sweepAccounts({ ...env, JOBS: swept.JOBS } as never, QUARTER);
    const [found] = jobsOf(user_id, swept.sent);
    await deliverJob(found?.job as Job, { JOBS });
    await vi.waitFor(async () => expect(await stateOf()).toBe("none"), { timeout: 20_000 });
    await expectEmptied(user_id);
  });

  it("the sandbox provider is away for a week keeps no project, and an operator finds it in the log", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "deleted_at", 7 * DAY + MINUTE);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    await deliverJob(close(user_id), { JOBS: recordingQueue().JOBS, ...away });
    expect((await readTables(user_id)).projects).toEqual([]);
    expect(logged.mock.calls.flat().join("\n")).toContain("sandbox_left_for_good");
  });

  it("an object is away keeps its thread and project, and nothing else", async () => {
    const user_id = await makeAccount();
    const key = { user_id, thread_id: "real" };
    await decide(user_id, "deleted_at");
    const { sent, JOBS } = recordingQueue();
    await deliverJob(close(user_id), { JOBS, THREADS: objectsWithout(key) });
    const { threads, projects, users, audit_entries: _, ...others } = await readTables(user_id);
    expect(Object.values(others).flat()).toEqual([]);
    const alive = threads?.filter((row) => (row as { deleted_at: unknown }).deleted_at === null);
    expect(alive).toMatchObject([{ thread_id: "real" }]);
    expect(projects).toHaveLength(1);
    expect(users).toMatchObject([{ purged_at: null }]);
    expect(jobsOf(user_id, sent)).toEqual([{ job: close(user_id, 2), delay: 5 }]);
    await deliverJob(close(user_id, 2), { JOBS });
    await expectEmptied(user_id);
  });

  it("a later look finds something that can't be deleted is deleting again", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "deleted_at");
    const { JOBS } = recordingQueue();
    await deliverJob(close(user_id), { JOBS });
    await expectEmptied(user_id);
    const late = { user_id, thread_id: "late" };
    // Its object does not say that D1 may not have the thread yet.
    const runs = [{ ...makeRun(late, { status: "completed" }), version: 1 }];
    await syncThread(env.DB, { key: late, project: null, thread: null, messages: [], runs });
    await deliverJob(close(user_id), { JOBS, THREADS: objectsWithout(late) });
    expect((await readTables(user_id)).users).toMatchObject([{ purged_at: null }]);
    await deliverJob(close(user_id), { JOBS });
    await expectEmptied(user_id);
  });

  it("Slack is away keeps the token until it is revoked there, for a day", async () => {
    for (const [ago, left] of [
      [0, 1],
      [DAY + MINUTE, 0],
    ] as const) {
      const owner = `user_slack_${crypto.randomUUID().slice(0, 8)}`;
      const { body } = await createClient().send("POST", "/v1/users", { user_id: owner });
      const client = createSlackClient();
      await connect(client, `T${crypto.randomUUID().slice(0, 8)}`, {}, String(body.api_key));
      await decide(owner, "deleted_at", ago);
      const { sent, JOBS } = recordingQueue();
      const settings = { ...client.bindings, JOBS };
      client.answers.set("auth.revoke", () => new Response("", { status: 503 }));
      await deliverJob(close(owner), settings);
      expect((await readTables(owner)).slack_workspaces).toHaveLength(left);
      expect(client.callsTo("auth.revoke")).toHaveLength(1);
      if (left === 0) {
        await expectEmptied(owner);
        continue;
      }
      // Everything else has gone.
      const {
        slack_workspaces: _,
        secrets,
        users,
        threads: __,
        audit_entries: ___,
        ...others
      } = await readTables(owner);
      expect(Object.values(others).flat()).toEqual([]);
      expect(secrets).toMatchObject([{ kind: "slack" }]);
      expect(users).toMatchObject([{ purged_at: null }]);
      expect(sent.map(({ job }) => job)).toEqual([close(owner, 2)]);
      client.answers.set("auth.revoke", () => ({ ok: true, revoked: true }));
      await deliverJob(close(owner, 2), settings);
      await expectEmptied(owner);
      expect(client.callsTo("auth.revoke")).toHaveLength(2);
    }
  });
});
