// The end of an account: a job empties it, whatever dies or is away, and touches nothing of anybody else.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { threadStub } from "../../src/thread/stub.ts";
import {
  close,
  decide,
  deliverJob,
  expectEmptied,
  makeAccount,
  readTables,
  recordingQueue,
  tables,
} from "./account-client.ts";
import { dyingAfter } from "./dying-bindings.ts";

/** Some sixty accounts are made and emptied. */
const patient = { timeout: 180_000 };

beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
afterEach(() => void vi.restoreAllMocks());

describe("an account that is closed", patient, () => {
  it("leaves rows in no table with users, but ids in tombstones and in the audit", async () => {
    const [user_id, other] = [await makeAccount(), await makeAccount()];
    const before = await readTables(other);
    expect(Object.values(before).every((rows) => rows.length > 0)).toBe(true);
    expect(tables.length).toBeGreaterThan(17);
    await decide(user_id, "deleted_at");
    const { JOBS } = recordingQueue();
    expect(await deliverJob(close(user_id), { JOBS })).toBe(true);
    await expectEmptied(user_id);
    expect(await readTables(other)).toEqual(before);
    const thread = await threadStub(env, { user_id, thread_id: "real" }).readThread({ user_id, thread_id: "real" });
    expect(thread).toMatchObject({ ok: false, error: { code: "not_found" } });
  });
});

/** Accounts beside each other, since each waits for D1 most of the time. */
const AT_ONCE = 8;

describe("a job that empties an account", patient, () => {
  it("and dies after any of its steps is carried out by the next one", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const other = await makeAccount();
    const before = await readTables(other);
    /** Returns whether the job died. */
    const dieAfter = async (step: number): Promise<boolean> => {
      const user_id = await makeAccount();
      await decide(user_id, "deleted_at");
      const dying = dyingAfter(step);
      await deliverJob(close(user_id), dying.settings);
      const { JOBS } = recordingQueue();
      expect(await deliverJob(close(user_id), { JOBS })).toBe(true);
      await expectEmptied(user_id);
      return dying.calls() >= step;
    };
    let step = 0;
    for (let goesOn = true; goesOn; step += AT_ONCE) {
      const died = await Promise.all(Array.from({ length: AT_ONCE }, (_, place) => dieAfter(step + place)));
      goesOn = died.every(Boolean);
    }
    expect(step).toBeGreaterThan(30);
    expect(await readTables(other)).toEqual(before);
  });
});
