// Threads that D1 has not heard of when their owner is deleted, because it was away or because a request came late. The
// account's jobs can't find them: they find out themselves.
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sweepAccounts } from "../../src/accounts/routes/sweep.ts";
import { readConfig } from "../../src/config.ts";
import { openProjectWorkspace, sandboxName } from "../../src/projects/sandbox.ts";
import type { BudgetScope } from "../../src/protocol/money/lease.ts";
import { findProvider } from "../../src/sandboxes/index.ts";
import { grantLease } from "../../src/store/budgets/grant.ts";
import { close, decide, deliverJob, expectEmptied, readTables, recordingQueue } from "./account-client.ts";
import { killObject, objectOf, withFaultyObject } from "./faulty-object.ts";
import { readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

const patient = { timeout: 60_000 };
const QUARTER = Date.parse("2026-11-28T10:15:00Z");

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => void vi.restoreAllMocks());

/** What the object still has: its tables, and whether it wakes again. */
const objectHas = ({ key }: ThreadClient) =>
  runInDurableObject(objectOf(key), async (_instance, state) => {
    const named = state.storage.sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    const tables = named.toArray().map(({ name }) => name);
    return { tables, alarm: (await state.storage.getAlarm()) !== null };
  });

const patience = { timeout: 20_000, interval: 100 };
const nothing = { tables: ["meta"], alarm: false };
const untilErased = (client: ThreadClient) =>
  vi.waitFor(async () => expect(await objectHas(client)).toEqual(nothing), patience);

/** The account as its jobs empty it. */
async function deleteOwner({ key: { user_id } }: ThreadClient): Promise<void> {
  await decide(user_id, "deleted_at");
  expect(await deliverJob(close(user_id), { JOBS: recordingQueue().JOBS })).toBe(true);
  await expectEmptied(user_id);
}

/** The clock's look, which comes within a quarter of an hour. */
async function lookAgain({ key: { user_id } }: ThreadClient): Promise<void> {
  const { sent, JOBS } = recordingQueue();
  await sweepAccounts({ ...env, JOBS } as never, QUARTER);
  const found = sent.filter(({ job }) => job.user_id === user_id);
  expect(found.map(({ job }) => job)).toEqual([close(user_id, 8)]);
  await deliverJob(close(user_id, 8), { JOBS });
  await expectEmptied(user_id);
}

const creationOf = ({ key }: ThreadClient) => ({
  ...key,
  request_id: crypto.randomUUID(),
  ...{ agent_id: null, project_id: null, title: "Mine", metadata: {} },
});

describe("a thread that D1 was away for when its owner was deleted", patient, () => {
  it("erases itself when D1 is back, with a run that has ended", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = "rejects";
      const input = client.input("[[say 3]]");
      expect((await object.accept(input)).ok).toBe(true);
      const ended = await object.waitForEnd(client.key, input.invocation_id, 20_000);
      expect(ended).toMatchObject({ ok: true, value: { status: "completed" } });
      await deleteOwner(client);
      faults.d1 = "none";
      // Whoever reads it asks D1 before an alarm does.
      await vi.waitFor(async () => {
        await object.sync(client.key);
        expect(await objectHas(client)).toEqual(nothing);
      }, patience);
    });
    await lookAgain(client);
    expect(await client.stub.readThread(client.key)).toMatchObject({ ok: false, error: { code: "not_found" } });
  });

  it("ends the run that works, whose reader gets the end", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = "rejects";
      const input = client.input("[[pace 20]] [[say 5000]]");
      expect((await object.accept(input)).ok).toBe(true);
      const query = new URLSearchParams({ ...client.key, invocation_id: input.invocation_id, after: "0" });
      const stream = await object.fetch(new Request(`https://thread/events?${query}`));
      await deleteOwner(client);
      faults.d1 = "none";
      expect(await readUntil(stream)).toContain('"type":"cancelled"');
      await untilErased(client);
    });
    await lookAgain(client);
  });

  it("is erased by a later life, woken by its alarm alone", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = "rejects";
      expect((await object.create(creationOf(client))).ok).toBe(true);
    });
    await deleteOwner(client);
    await killObject(client.key);
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(objectOf(client.key));
      expect(await objectHas(client)).toEqual(nothing);
    }, 20_000);
    await lookAgain(client);
  });

  it("takes its sandbox along, and is granted nothing", async () => {
    const client = threadClient();
    const { user_id, thread_id } = client.key;
    const project_id = await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = "rejects";
      const made = await object.create(creationOf(client));
      if (!made.ok) throw new Error(made.error.detail);
      return made.value.project_id;
    });
    // As a run opens it: D1 counts it, and does not have its project.
    const config = readConfig(env);
    const provider = findProvider(config);
    if (provider === null) throw new Error("there is no provider");
    const run = () => ({ thread_id, invocation_id: "inv" });
    const made = { user_id, project_id, project: null, created_at: new Date().toISOString(), maker: () => null, run };
    const open = async () => {
      const workspace = await openProjectWorkspace({ config, database: env.DB, provider, ...made });
      await workspace.start(AbortSignal.timeout(20_000));
    };
    await open();
    const daytona = new Daytona({
      apiKey: env.DAYTONA_API_KEY ?? "",
      apiUrl: env.DAYTONA_API_URL ?? "",
      useDeprecatedPolling: true,
    });
    const name = await sandboxName(user_id, project_id);
    const isThere = () =>
      daytona.get(name).then(
        () => true,
        () => false,
      );
    const untilGone = () => vi.waitFor(async () => expect(await isThere()).toBe(false), 20_000);
    expect(await isThere()).toBe(true);
    await deleteOwner(client);
    await untilGone();
    // A run that continues in the object makes it anew, and gets no lease.
    await open();
    const scopes: BudgetScope[] = [{ scope: "user", id: user_id, period: "2026-11", caps: { max_total_tokens: 100 } }];
    const one = { cost: 0, tokens: 10, ms: 0 };
    const lease = { ...client.key, invocation_id: "inv", lease_id: "lease_1_inv", scopes, now: Date.now() };
    const granted = await grantLease(env.DB, { ...lease, least: one, need: one, wanted: one });
    expect(granted).toMatchObject({ kind: "closed" });
    await killObject(client.key);
    await client.stub.sync(client.key);
    await untilErased(client);
    expect((await readTables(user_id)).leases).toEqual([]);
    await lookAgain(client);
    await untilGone();
  });
});

describe("a request of a deleted user that was admitted a moment before", patient, () => {
  it("makes no thread", async () => {
    const client = threadClient();
    await deleteOwner(client);
    expect(await client.stub.create(creationOf(client))).toMatchObject({ ok: false, error: { code: "not_found" } });
    await untilErased(client);
    await lookAgain(client);
  });

  it("starts a run that ends with D1's first answer", async () => {
    const client = threadClient();
    await deleteOwner(client);
    const response = await client.post("[[pace 20]] [[say 5000]]");
    expect(await readUntil(response)).toContain('"type":"cancelled"');
    await untilErased(client);
    await lookAgain(client);
  });
});
