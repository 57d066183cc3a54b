// How a request that is open for long learns that its key has ended.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ADMIN_KEY_ID } from "../protocol/ids.ts";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { watchKey, whileKeyHolds } from "./key-watch.ts";

type Answer = () => Promise<{ results: { key_id: string }[] }>;

const holds: Answer = async () => ({ results: [] });
const isEnded: Answer = async () => ({ results: [{ key_id: "key_a" }] });
const never: Answer = () => new Promise(() => {});

let answer: Answer;
let asked: unknown[][];

beforeEach(() => {
  vi.useFakeTimers();
  answer = holds;
  asked = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** As much of a request as the watch needs. */
function contextOf(key_id = "key_a", left: number | null = null): AppContext {
  const now = Date.now();
  const caller = { user_id: "user_1", key_id, confirmed_at: now, expires_at: left === null ? null : now + left };
  const bind = (...values: unknown[]) => {
    asked.push(values);
    return { all: () => answer() };
  };
  return { get: () => caller, env: { DB: { prepare: () => ({ bind }) } } } as unknown as AppContext;
}

it.each(["key_a", ADMIN_KEY_ID])("asks for %s every ten seconds, and never after it was stopped", async (key_id) => {
  const watch = watchKey(contextOf(key_id));
  await vi.advanceTimersByTimeAsync(35_000);
  const values = ["user_1", JSON.stringify([key_id])];
  expect(asked.map((bound) => bound.slice(0, 2))).toEqual(Array.from({ length: 3 }, () => values));
  watch.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked.length, watch.signal.aborted]).toEqual([3, false]);
});

it("aborts with the problem to answer once the key has ended, and asks no more", async () => {
  const watch = watchKey(contextOf());
  await vi.advanceTimersByTimeAsync(15_000);
  answer = isEnded;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(watch.signal.reason).toBeInstanceOf(Problem);
  expect((watch.signal.reason as Problem).failure).toEqual({
    code: "unauthorized",
    detail: "The API key is no longer valid.",
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBe(2);
});

it("aborts in the millisecond in which the key expires, whatever D1 says then or later", async () => {
  const failed: Answer = () => Promise.reject(new Error("D1 is away"));
  for (const says of [holds, isEnded, failed, never]) {
    answer = holds;
    const watch = watchKey(contextOf("key_a", 15_000));
    await vi.advanceTimersByTimeAsync(14_000);
    answer = says;
    await vi.advanceTimersByTimeAsync(999);
    expect(watch.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((watch.signal.reason as Problem).failure).toEqual({
      code: "unauthorized",
      detail: expect.stringContaining("The API key expired at"),
    });
    const { length } = asked;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBe(length);
  }
});

it("aborts then also while a question is on its way", async () => {
  answer = never;
  const watch = watchKey(contextOf("key_a", 10_500));
  await vi.advanceTimersByTimeAsync(10_500);
  expect(watch.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBe(1);
});

it("says nothing of a key whose answer comes after it was stopped", async () => {
  answer = isEnded;
  const watch = watchKey(contextOf());
  vi.advanceTimersByTime(10_000);
  watch.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(watch.signal.aborted).toBe(false);
});

it("trusts the key for a quarter of an hour while D1 does not answer, and then says that it does not know", async () => {
  const watch = watchKey(contextOf());
  await vi.advanceTimersByTimeAsync(60_000);
  answer = never;
  await vi.advanceTimersByTimeAsync(14 * 60_000);
  expect(watch.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(2 * 60_000);
  expect((watch.signal.reason as Problem).failure.code).toBe("internal");
});

it("lets work end that its key allows, and refuses the rest", async () => {
  const context = contextOf();
  expect(await whileKeyHolds(context, async () => "done")).toBe("done");
  await expect(whileKeyHolds(context, () => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual([]);
  const waiting = whileKeyHolds(context, () => new Promise(() => {}));
  const refused = expect(waiting).rejects.toThrow("unauthorized");
  answer = isEnded;
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
});
