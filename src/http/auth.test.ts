// API keys while D1 fails.
import { expect, it, vi } from "vitest";
import { readConfig } from "../config.ts";
import { mintApiKey } from "./api-key.ts";
import { createAuthenticator } from "./auth.ts";

const MINUTE = 60_000;
const config = readConfig({} as Parameters<typeof readConfig>[0]);

interface Store {
  hash: string;
  answer: () => Promise<unknown[][]>;
  asked: number;
}

/** As much of D1 as the lookup of a key needs. */
function storeOf(hash: string): { store: Store; db: D1Database } {
  const store: Store = { hash, answer: async () => [["user_1", hash]], asked: 0 };
  const raw = (): Promise<unknown[][]> => {
    store.asked += 1;
    return store.answer();
  };
  const statement = { bind: () => statement, raw };
  return { store, db: { prepare: () => statement } as unknown as D1Database };
}

async function knownKey() {
  let now = 1_000_000;
  const { key, stored } = await mintApiKey(null, "admin_key", now);
  const { store, db } = storeOf(stored.hash);
  const authenticator = createAuthenticator(() => now);
  const recognize = (): Promise<unknown> => authenticator.recognize(key, config, db);
  expect(await recognize()).toEqual({ user_id: "user_1", key_id: stored.key_id, confirmed_at: now, is_admin: false });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { store, recognize, pass, forget: () => authenticator.forget(stored.key_id) };
}

it("a key that was valid a moment ago stays valid for a quarter of an hour while D1 fails", async () => {
  const { store, recognize, pass } = await knownKey();
  store.answer = () => Promise.reject(new Error("D1 is away"));
  for (let minute = 1; minute < 15; minute++) {
    pass(MINUTE);
    expect(await recognize()).toMatchObject({ user_id: "user_1" });
  }
  pass(2 * MINUTE);
  await expect(recognize()).rejects.toThrow("Failed query");
});

it("only the first request waits for a D1 that does not answer", async () => {
  const { store, recognize, pass } = await knownKey();
  store.answer = () => new Promise(() => {});
  pass(MINUTE);
  vi.useFakeTimers();
  try {
    const first = recognize();
    await vi.waitUntil(() => store.asked === 2);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await first).toMatchObject({ user_id: "user_1" });
    expect(await recognize()).toMatchObject({ user_id: "user_1" });
    expect(store.asked).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

it("a key that this isolate deleted is refused while D1 fails", async () => {
  const { store, recognize, pass, forget } = await knownKey();
  let fail = (): void => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = () => reject(new Error("D1 is away"));
  });
  store.answer = () => failed;
  pass(MINUTE);
  const asked = recognize();
  await vi.waitUntil(() => store.asked === 2);
  forget();
  fail();
  await expect(asked).rejects.toThrow("Failed query");
  await expect(recognize()).rejects.toThrow("Failed query");
});

it("a key that was deleted elsewhere is refused within ten seconds, however long D1 took to find it", async () => {
  const { store, recognize, pass } = await knownKey();
  pass(10_000);
  store.answer = async () => {
    pass(1_000);
    return [["user_1", store.hash]];
  };
  expect(await recognize()).toMatchObject({ confirmed_at: 1_010_000 });
  store.answer = async () => [];
  pass(8_900);
  expect(await recognize()).toMatchObject({ confirmed_at: 1_010_000 });
  pass(100);
  expect(await recognize()).toBeNull();
});

it("a key that D1 no longer has is refused", async () => {
  const { store, recognize, pass } = await knownKey();
  store.answer = async () => [];
  pass(MINUTE);
  expect(await recognize()).toBeNull();
  store.answer = () => Promise.reject(new Error("D1 is away"));
  await expect(recognize()).rejects.toThrow("Failed query");
});

it("a key that is deleted while it is being looked up is not remembered", async () => {
  const { store, recognize, pass, forget } = await knownKey();
  pass(MINUTE);
  let answer: (rows: unknown[][]) => void = () => {};
  store.answer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const first = recognize();
  await vi.waitUntil(() => store.asked === 2);
  forget();
  answer([["user_1", store.hash]]);
  expect(await first).toMatchObject({ user_id: "user_1" });
  store.answer = async () => [];
  expect(await recognize()).toBeNull();
});
