// What happens to an old thread at the very moment in which it would go: whoever comes before the decision keeps it,
// and whoever comes after it reads that it is gone. Nobody reads that something was kept which then goes.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { readExpiredCount } from "../../src/store/retention/count.ts";
import { readScanState, writeScanState } from "../../src/store/retention/scan.ts";
import type { ThreadObject } from "../../src/thread/object.ts";
import { close, decide, deliverJob, expectEmptied, recordingQueue } from "./account-client.ts";
import { killObject, objectOf } from "./faulty-object.ts";
import { DAY, expectGone, forgetWalk, isThere, keepFor, later, makeThread, sweep } from "./old-threads.ts";
import { expireWhile, type Moment } from "./racing-removal.ts";
import { readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

const patient = { timeout: 60_000 };

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  await forgetWalk();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await env.DB.prepare("UPDATE users SET retention_days = NULL").run();
});

async function oldThread(): Promise<ThreadClient> {
  const client = await makeThread();
  await keepFor(client.key.user_id, 1);
  return client;
}

async function projectOf({ key, stub }: ThreadClient): Promise<string> {
  const thread = await stub.readThread(key);
  return thread.ok ? thread.value.project_id : "";
}

const task = { op: "create", section_title: "Later", task_contents: ["one more"] };
const editOf = (request_id: string) => ({ request_id, version: null, operations: [task], hops: 0 }) as never;

describe("an old thread stays if, while it asks whether it may go,", patient, () => {
  it("a message comes, whose run then ends as usual", async () => {
    const client = await oldThread();
    const input = client.input("[[say 2]]");
    const asked: Moment = async (object) => expect((await object.accept(input)).ok).toBe(true);
    const finish: Moment = (object) => object.waitForEnd(client.key, input.invocation_id, 20_000);
    expect(await expireWhile(client, { asked }, finish)).toBe(false);
    expect(await client.stub.getRun(client.key, input.invocation_id)).toMatchObject({ value: { status: "completed" } });
  });

  it("a message has come and is not stored yet", async () => {
    const client = await oldThread();
    const input = client.input("[[say 2]]");
    let accepted: ReturnType<ThreadObject["accept"]> | undefined;
    const asked: Moment = async (object) => {
      accepted = object.accept(input);
    };
    const finish: Moment = async (object) => {
      expect((await accepted)?.ok).toBe(true);
      await object.waitForEnd(client.key, input.invocation_id, 20_000);
    };
    expect(await expireWhile(client, { asked }, finish)).toBe(false);
    expect(await isThere(client)).toBe(true);
  });

  it.each<[string, (client: ThreadClient) => Moment]>([
    [
      "a person asks to keep it",
      ({ key }) =>
        (object) =>
          object.update(key, { metadata: { keep: true } }),
    ],
    [
      "somebody opens its stream",
      ({ key }) =>
        (object) => {
          return object.fetch(new Request(`https://thread/events?${new URLSearchParams({ ...key })}`));
        },
    ],
    [
      "an admin keeps the user's threads for ever",
      ({ key }) =>
        () =>
          keepFor(key.user_id, 0),
    ],
    [
      "an admin gives the user more days",
      ({ key }) =>
        () =>
          keepFor(key.user_id, 365),
    ],
    [
      "nobody says any more how long threads are kept",
      ({ key }) =>
        () =>
          keepFor(key.user_id, null),
    ],
    [
      "a trigger names it",
      ({ key }) =>
        () => {
          const put = `INSERT INTO triggers (user_id, trigger_id, type, thread, enabled, created_at, updated_at, settings, prompt)
        VALUES (?, ?, 'schedule', ?, 1, '', '', '{}', '')`;
          return env.DB.prepare(put).bind(key.user_id, newId("trig"), key.thread_id).run();
        },
    ],
    ["D1 fails", () => () => Promise.reject(new Error("D1 is down"))],
  ])("%s", async (_, moment) => {
    const client = await oldThread();
    expect(await expireWhile(client, { asked: moment(client) })).toBe(false);
    await killObject(client.key);
    expect(await isThere(client)).toBe(true);
  });
});

describe("an old thread that goes", patient, () => {
  it("says to whoever comes after the decision that it is gone, and keeps nothing of it", async () => {
    const client = await oldThread();
    const answers: unknown[] = [];
    const deleted: Moment = async (object) => {
      answers.push(await object.accept(client.input("[[say 2]]")));
      answers.push(await object.update(client.key, { metadata: { keep: true } }));
      answers.push(await object.editPlan(client.key, editOf("late")));
    };
    expect(await expireWhile(client, { deleted })).toBe(true);
    const gone = { ok: false, error: { code: "not_found", detail: expect.any(String) } };
    expect(answers).toEqual([gone, gone, gone]);
    await killObject(client.key);
    await expectGone(client);
  });

  it("is deleted once by the clock and a person who delete it at the same time, in either order", async () => {
    for (const when of ["asked", "deleted"] as const) {
      const client = await oldThread();
      const moment: Moment = (object) => object.remove(client.key, "by a person");
      expect(await expireWhile(client, { [when]: moment })).toBe(when === "deleted");
      await killObject(client.key);
      await expectGone(client);
    }
  });

  it("leaves nothing behind if its owner's account is closed meanwhile", async () => {
    for (const when of ["asked", "deleted"] as const) {
      const client = await oldThread();
      const { user_id } = client.key;
      const moment: Moment = () => decide(user_id, "deleted_at");
      await expireWhile(client, { [when]: moment });
      await killObject(client.key);
      expect(await deliverJob(close(user_id), { JOBS: recordingQueue().JOBS })).toBe(true);
      await sweep();
      await expectEmptied(user_id);
      await expectGone(client);
    }
  });

  it("goes though its project was deleted meanwhile, and counts for it", async () => {
    const client = await oldThread();
    const project_id = await projectOf(client);
    const moment: Moment = () => env.DB.prepare("DELETE FROM projects WHERE project_id = ?").bind(project_id).run();
    expect(await expireWhile(client, { asked: moment })).toBe(true);
    await killObject(client.key);
    await expectGone(client);
    const kept = await env.DB.prepare("SELECT project_id, runs FROM usage_days WHERE user_id = ?")
      .bind(client.key.user_id)
      .all();
    expect(kept.results).toEqual([{ project_id, runs: 1 }]);
  });
});

describe("what is left of a thread that was too old", patient, () => {
  it("is its id in a tombstone: no table of D1 has its words, and its object only that it is gone", async () => {
    const canary = "canaryofanoldthread";
    const client = threadClient(newId("user"), `thread_${canary}`);
    await readUntil(await client.post(`[[text It is ${canary}.]]`));
    await client.stub.editPlan(client.key, editOf("an-edit"));
    await client.stub.update(client.key, { title: `About ${canary}`, metadata: { note: canary } });
    expect(await client.stub.sync(client.key)).toEqual({ ok: true, value: true });
    const tablesWithIt = async () => {
      const named = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{ name: string }>();
      const names = named.results.map(({ name }) => name).filter((name) => !/^(_cf|sqlite|d1)_/.test(name));
      const rows = await env.DB.batch(names.map((name) => env.DB.prepare(`SELECT * FROM ${name}`)));
      return names.filter((_, place) => JSON.stringify(rows[place]?.results).includes(canary));
    };
    expect((await tablesWithIt()).toSorted()).toEqual(expect.arrayContaining(["messages", "runs", "threads"]));
    await keepFor(client.key.user_id, 1);
    await sweep();
    await expectGone(client);
    expect(await tablesWithIt()).toEqual(["threads"]);
    const sql = "SELECT * FROM threads WHERE user_id = ? AND thread_id = ?";
    const row = await env.DB.prepare(sql).bind(client.key.user_id, client.key.thread_id).first();
    expect(JSON.stringify({ ...row, thread_id: "" })).not.toContain(canary);
  });
});

describe("a person's change of the plan", patient, () => {
  it("is activity: the thread goes when it is old itself, in later lives too", async () => {
    const client = await oldThread();
    const edited = await client.stub.editPlan(client.key, editOf("an-edit"));
    expect(edited.ok).toBe(true);
    const made = new Date(Date.now() + DAY / 2).toISOString();
    // As if all but the edit were of long ago.
    await runInDurableObject(objectOf(client.key), (_object, { storage: { sql } }) => {
      const [row] = sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'plan_edits'").toArray();
      const value = JSON.stringify({ ...JSON.parse(row?.value ?? "{}"), edited_at: made });
      sql.exec("UPDATE meta SET value = ? WHERE key = 'plan_edits'", value);
    });
    await killObject(client.key);
    const at = Date.now() + 1.2 * DAY;
    const before = (time: number) => new Date(time - DAY).toISOString();
    expect(await client.stub.expire(client.key, before(at), at)).toEqual({ ok: true, value: false });
    const past = Date.now() + 2 * DAY;
    expect(await client.stub.expire(client.key, before(past), past)).toEqual({ ok: true, value: true });
    await expectGone(client);
  });
});

describe("the clock", patient, () => {
  it("begins anew where it was left by a clock that was a year ahead", async () => {
    const client = await oldThread();
    await writeScanState(env.DB, { begun_at: later() + 365 * DAY, after: null });
    await sweep();
    await expectGone(client);
    expect((await readScanState(env.DB))?.begun_at).toBeLessThan(later() + DAY);
  });

  it("finds no thread of the future old", async () => {
    const client = await oldThread();
    const put = "UPDATE threads SET updated_at = '2099-01-01T00:00:00.000Z' WHERE user_id = ?";
    await env.DB.prepare(put).bind(client.key.user_id).run();
    await sweep();
    expect(await isThere(client)).toBe(true);
  });

  it("that comes twice at once deletes and counts each thread once", async () => {
    const clients = await Promise.all([oldThread(), oldThread(), oldThread()]);
    const counted = (await readExpiredCount(env.DB))?.count ?? 0;
    await Promise.all([sweep(), sweep(), sweep()]);
    for (const client of clients) await expectGone(client);
    expect((await readExpiredCount(env.DB))?.count).toBe(counted + 3);
  });
});

it("a stream that was opened before is what keeps it, and its end lets it go", patient, async () => {
  const client = threadClient();
  await makeThread(client);
  await keepFor(client.key.user_id, 1);
  const stream = await client.events();
  await sweep();
  expect(await isThere(client)).toBe(true);
  await stream.body?.cancel();
  await forgetWalk();
  await vi.waitFor(
    async () => {
      await forgetWalk();
      await sweep();
      expect(await isThere(client)).toBe(false);
    },
    { timeout: 30_000, interval: 500 },
  );
  expect(await readUntil(await client.events())).toContain("not_found");
});
