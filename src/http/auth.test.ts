// API keys while D1 fails.
import { expect, it, vi } from "vitest";
import { readConfig } from "../config.ts";
import type { FoundApiKey } from "../store/api-keys.ts";
import { mintApiKey } from "./api-key.ts";
import { createAuthenticator } from "./auth.ts";

const MINUTE = 60_000;
const config = readConfig({} as Parameters<typeof readConfig>[0]);

interface Store {
  hash: string;
  answer: () => Promise<unknown[][]>;
  asked: number;
  /** The values of each statement that wrote. */
  written: unknown[][];
}

/** A row as `findApiKey` selects it. */
function rowOf(hash: string, row: Partial<FoundApiKey> = {}) {
  const { scopes = null, expires_at = null, last_used_at = null, kind = "key" } = row;
  const { disabled_at = null, deleted_at = null } = row;
  const quotas = row.quotas ? JSON.stringify(row.quotas) : null;
  const given = scopes === null ? null : JSON.stringify(scopes);
  return ["user_1", hash, given, expires_at, last_used_at, kind, null, disabled_at, deleted_at, quotas];
}

/** As much of D1 as the lookup of a key needs. */
function storeOf(hash: string): { store: Store; db: D1Database } {
  const store: Store = { hash, answer: async () => [rowOf(hash)], asked: 0, written: [] };
  const raw = (): Promise<unknown[][]> => {
    store.asked += 1;
    return store.answer();
  };
  const run = async () => ({ success: true });
  const bind = (...values: unknown[]) => {
    if (values.length > 1) store.written.push(values);
    return statement;
  };
  const statement = { bind, raw, run };
  return { store, db: { prepare: () => statement } as unknown as D1Database };
}

async function knownKey(row: Partial<FoundApiKey> = {}) {
  let now = 1_000_000;
  const { key, stored } = await mintApiKey({ name: null, made_by: "admin_key" }, now);
  const { store, db } = storeOf(stored.hash);
  store.answer = async () => [rowOf(stored.hash, row)];
  const authenticator = createAuthenticator(() => now);
  const left: Promise<void>[] = [];
  const later = (work: Promise<void>) => void left.push(work);
  const recognize = (given = key): Promise<unknown> => authenticator.recognize(given, config, db, { later });
  const expires_at = row.expires_at ? Date.parse(row.expires_at) : null;
  const scopes = row.scopes ?? ["read", "run", "write"];
  const limits = { scopes, is_limited: row.scopes !== undefined, quotas: row.quotas ?? null };
  const caller = { user_id: "user_1", kind: "key", key_id: stored.key_id, confirmed_at: now, expires_at, ...limits };
  expect(await recognize()).toEqual(caller);
  const pass = (ms: number): void => {
    now += ms;
  };
  return {
    key,
    store,
    recognize,
    pass,
    left,
    time: () => new Date(now).toISOString(),
    forget: () => authenticator.forget(stored.key_id),
    forgetUser: (user_id: string) => authenticator.forgetUser(user_id),
  };
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
    await vi.waitUntil(() => store.asked === 2, 20_000);
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
  await vi.waitUntil(() => store.asked === 2, 20_000);
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
    return [rowOf(store.hash)];
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

it("a key is refused from the millisecond in which it expires, from memory and while D1 fails", async () => {
  const { store, recognize, pass } = await knownKey({ expires_at: new Date(1_005_000).toISOString() });
  pass(4_999);
  expect(await recognize()).toMatchObject({ expires_at: 1_005_000 });
  expect(store.asked).toBe(1);
  pass(1);
  await expect(recognize()).rejects.toMatchObject({
    failure: { code: "unauthorized", detail: "The API key expired at 1970-01-01T00:16:45.000Z." },
  });
  expect(store.asked).toBe(1);
  store.answer = () => Promise.reject(new Error("D1 is away"));
  pass(MINUTE);
  await expect(recognize()).rejects.toMatchObject({ failure: { code: "unauthorized" } });
});

it("whoever has a wrong secret does not learn that a key has expired", async () => {
  const { key, recognize, pass } = await knownKey({ expires_at: new Date(1_005_000).toISOString() });
  pass(MINUTE);
  expect(await recognize(key.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).toBeNull();
});

it("a key's use is noted once an hour, when D1 is asked anyway, and not for a wrong secret", async () => {
  const { key, store, recognize, pass, left, time } = await knownKey();
  const first = time();
  expect(store.written.map(([at]) => at)).toEqual([first]);
  store.answer = async () => [rowOf(store.hash, { last_used_at: first })];
  for (let minute = 0; minute < 60; minute++) {
    await recognize();
    pass(MINUTE);
  }
  expect(store.written).toHaveLength(1);
  await recognize(key.replace(/.$/, (last) => (last === "0" ? "1" : "0")));
  expect(store.written).toHaveLength(1);
  pass(10_000);
  const second = time();
  await recognize();
  expect(store.written.map(([at]) => at)).toEqual([first, second]);
  await Promise.all(left);
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
  await vi.waitUntil(() => store.asked === 2, 20_000);
  forget();
  answer([rowOf(store.hash)]);
  expect(await first).toMatchObject({ user_id: "user_1" });
  store.answer = async () => [];
  expect(await recognize()).toBeNull();
});

const SHUT = {
  disabled: "This account is disabled. Ask an administrator.",
  deleted: "The account of this API key was",
};

it.each(["disabled", "deleted"] as const)(
  "a right key of a %s user is refused with the reason, and a wrong one not",
  async (how) => {
    const { key, store, recognize, pass } = await knownKey();
    const { hash } = store;
    store.answer = async () => [rowOf(hash, { [`${how}_at`]: "2026-01-01T00:00:00.000Z" })];
    pass(9_999);
    expect(await recognize()).toMatchObject({ user_id: "user_1" });
    pass(1);
    const refused = { failure: { code: how === "disabled" ? "forbidden" : "unauthorized" } };
    await expect(recognize()).rejects.toMatchObject(refused);
    await expect(recognize()).rejects.toMatchObject({ failure: { detail: expect.stringContaining(SHUT[how]) } });
    expect(await recognize(key.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).toBeNull();
    // What this isolate learned counts while D1 fails, too.
    store.answer = () => Promise.reject(new Error("D1 is away"));
    pass(MINUTE);
    await expect(recognize()).rejects.toMatchObject(refused);
  },
);

it("an isolate that disables a user asks anew for all of the user's keys, and for nobody else's", async () => {
  const { store, recognize, forgetUser } = await knownKey();
  forgetUser("user_2");
  await recognize();
  expect(store.asked).toBe(1);
  store.answer = async () => [rowOf(store.hash, { disabled_at: "2026-01-01T00:00:00.000Z" })];
  forgetUser("user_1");
  await expect(recognize()).rejects.toMatchObject({ failure: { code: "forbidden" } });
});

it("knows the admin key although the request that hashed it first was cancelled", async () => {
  const { db } = storeOf("");
  const digest = vi.spyOn(crypto.subtle, "digest");
  const admin = readConfig({ ADMIN_API_KEY: "the admin key of this test" } as Parameters<typeof readConfig>[0]);
  const { recognize } = createAuthenticator(() => 0);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("another key")));
  digest.mockImplementationOnce(() => new Promise<never>(() => {}));
  void recognize("another key", admin, db, { hash });
  await vi.waitFor(() => expect(digest).toHaveBeenCalledTimes(2), 20_000);
  expect(await recognize("another key", admin, db, { hash })).toBeNull();
  digest.mockRestore();
});
