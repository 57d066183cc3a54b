// The end of an account of which something never answers, neither with a failure.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { AccountPart } from "../../src/accounts/part.ts";
import { closeAccount, pauseAccount } from "../../src/accounts/routes/jobs.ts";
import { threadsPart } from "../../src/http/routes/account-parts/threads.ts";
import { close, decide, makeAccount, objectsWithout, pause, readTables, recordingQueue } from "./account-client.ts";

const patient = { timeout: 60_000 };
const never = () => new Promise<never>(() => {});

describe.concurrent("an account of which something never answers", patient, () => {
  it("is emptied of all else, and tried again", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "deleted_at");
    const others = vi.fn(async () => "done" as const);
    const parts: AccountPart[] = [
      { name: "silent", remove: never },
      { name: "other", remove: others },
    ];
    const { sent, JOBS } = recordingQueue();
    await closeAccount(close(user_id), { ...env, JOBS } as never, parts);
    expect(others).toHaveBeenCalled();
    expect(sent).toEqual([{ job: close(user_id, 2), delay: 5 }]);
  });

  it("pauses in all else, and is tried again", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "disabled_at");
    const others = vi.fn(async () => {});
    const remove = async () => "done" as const;
    const parts: AccountPart[] = [
      { name: "silent", remove, pause: never },
      { name: "other", remove, pause: others },
    ];
    const { sent, JOBS } = recordingQueue();
    await pauseAccount(pause(user_id), { ...env, JOBS } as never, parts);
    expect(others).toHaveBeenCalled();
    expect(sent).toEqual([{ job: pause(user_id, 2), delay: 5 }]);
  });

  it("loses the threads beside one whose object is silent, in the same piece", async () => {
    const user_id = await makeAccount();
    await decide(user_id, "deleted_at");
    const now = Date.now();
    const scope = { config: {} as never, user_id, now, isOlderThan: () => false, signal: AbortSignal.timeout(15_000) };
    const THREADS = objectsWithout({ user_id, thread_id: "real" }, never);
    expect(await threadsPart.remove({ ...scope, env: { ...env, THREADS } as never })).toBe("more");
    const { threads = [] } = await readTables(user_id);
    const left = threads.filter((row) => (row as { deleted_at: string | null }).deleted_at === null);
    expect(left).toMatchObject([{ thread_id: "real" }]);
    expect(threads.length).toBeGreaterThan(1);
  });
});
