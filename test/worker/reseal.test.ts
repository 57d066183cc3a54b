// After ENCRYPTION_KEY has changed, the clock seals every secret with the new key, and says when the old one may go.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createResealer, reportSeals } from "../../src/secrets/reseal.ts";
import { openKeys, rotateSecret, sealFirst } from "../../src/secrets/rotated.ts";
import { openSecret, sealSecret } from "../../src/secrets/sealed.ts";
import { putSecret, readSecret, type SecretName } from "../../src/store/secrets.ts";

const OLD = "the old key, which somebody may have seen";
const NEW = "the new key, which nobody has seen";
const LOST = "a key that is in no setting any more";
const AT = "2026-11-27T08:00:00.000Z";
const HOUR = 3_600_000;

const both = { database: env.DB, encryption_keys: [NEW, OLD] };
const words = { what: "The secret", remedy: "Store it again." };

let logged: Record<string, unknown>[] = [];

beforeEach(async () => {
  await env.DB.prepare("DELETE FROM secrets").run();
  logged = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void logged.push(JSON.parse(String(line))));
});

afterEach(() => vi.restoreAllMocks());

function named(name: string, kind: SecretName["kind"] = "git"): SecretName {
  return { user_id: "user_seals", kind, name };
}

async function store(key: string, name: SecretName, text = `secret of ${name.name}`): Promise<void> {
  const sealed = await sealSecret([key], name, text, AT);
  if (!sealed.ok) throw new Error(sealed.error.detail);
  await putSecret(env.DB, sealed.value);
}

/** What a server with this key alone reads; null if it can't. */
async function readWith(key: string, name: SecretName): Promise<string | null> {
  const row = await readSecret(env.DB, name);
  const opened = row && (await openSecret([key], row, words));
  return opened?.ok ? opened.value : null;
}

/** D1 that does something before the first statement with this word. */
function interfered(word: string, interfere: () => Promise<unknown>): D1Database {
  let isDone = false;
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values));
        if (name !== "all" && name !== "run") return typeof value === "function" ? value.bind(target) : value;
        return async () => {
          isDone = true;
          await interfere();
          return await target.all();
        };
      },
    });
  return new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
      return (query: string) => {
        const statement = target.prepare(query);
        return !isDone && query.includes(word) ? wrap(statement) : statement;
      };
    },
  });
}

describe("secrets that a former key sealed", () => {
  it("of every kind are sealed with the new key, and nothing else of their rows changes", async () => {
    const names = (["git", "slack", "trigger", "webhook"] as const).map((kind) => named(`of ${kind}`, kind));
    for (const name of names) await store(OLD, name);
    const before = await Promise.all(names.map((name) => readSecret(env.DB, name)));
    await createResealer().tick(both, 0);
    for (const [index, name] of names.entries()) {
      expect(await readWith(NEW, name)).toBe(`secret of ${name.name}`);
      expect(await readWith(OLD, name)).toBeNull();
      const { secret_id, created_at, updated_at } = (await readSecret(env.DB, name)) ?? {};
      expect(before[index]).toMatchObject({ secret_id, created_at, updated_at });
    }
    expect(logged).toEqual([
      { level: "warning", event: "secrets_resealed", secrets: 4 },
      { level: "warning", event: "encryption_keys_may_go", key_ids: expect.stringMatching(/^[\da-f]{16}$/) },
    ]);
    expect(JSON.stringify(logged)).not.toMatch(/old key|new key|secret of/);
  });

  it("in any number are sealed by bounded steps, also if each step is the first of its life", async () => {
    await store(OLD, named("host-0"));
    // One ciphertext is valid in all rows of a user and secret's id.
    const copy = `INSERT INTO secrets SELECT user_id, kind, 'host-' || value, secret_id, key_id, created_at, updated_at, sealed
      FROM secrets, json_each(?1)`;
    const numbers = Array.from({ length: 1_149 }, (_, place) => place + 1);
    await env.DB.prepare(copy).bind(JSON.stringify(numbers)).run();
    const left = async () => (await reportSeals(both)).waiting;
    await createResealer().tick(both, 0);
    expect(await left()).toBe(650);
    await createResealer().tick(both, 0);
    expect(await left()).toBe(150);
    await createResealer().tick(both, 0);
    expect(await left()).toBe(0);
    expect(logged.map(({ event }) => event).at(-1)).toBe("encryption_keys_may_go");
  });

  it("are left to whoever changes them at the same moment", async () => {
    const webhook = { ...named("hook_1"), kind: "webhook" } as const;
    const first = await sealFirst([OLD], webhook, "first", AT);
    if (!first.ok) throw new Error(first.error.detail);
    await putSecret(env.DB, first.value);
    const rotate = () =>
      rotateSecret({ database: env.DB, encryption_keys: [OLD] }, webhook, "second", 0, Date.parse(AT));
    await createResealer().tick({ ...both, database: interfered("UPDATE secrets", rotate) }, 0);
    const row = await readSecret(env.DB, webhook);
    const keys = row && (await openKeys([OLD], row));
    expect(keys).toMatchObject({ ok: true, value: [{ secret: "second" }] });
    expect(logged).toEqual([]);
    await createResealer().tick(both, 0);
    const after = await readSecret(env.DB, webhook);
    expect(after && (await openKeys([NEW], after))).toMatchObject({ ok: true, value: [{ secret: "second" }] });
  });

  it("are not made again after they were deleted at the same moment", async () => {
    await store(OLD, named("gone"));
    const remove = () => env.DB.prepare("DELETE FROM secrets").run();
    await createResealer().tick({ ...both, database: interfered("UPDATE secrets", remove) }, 0);
    expect(await readSecret(env.DB, named("gone"))).toBeNull();
  });

  it("can still be rotated by somebody who read them before", async () => {
    const webhook = { ...named("hook_2"), kind: "webhook" } as const;
    const first = await sealFirst([OLD], webhook, "first", AT);
    if (!first.ok) throw new Error(first.error.detail);
    await putSecret(env.DB, first.value);
    const database = interfered("UPDATE secrets SET secret_id", () => createResealer().tick(both, 0));
    const rotated = await rotateSecret({ ...both, database }, webhook, "second", HOUR, Date.parse(AT));
    expect(rotated.ok).toBe(true);
    const row = await readSecret(env.DB, webhook);
    expect(row && (await openKeys([NEW], row))).toMatchObject({
      ok: true,
      value: [{ secret: "second", until: null }, { secret: "first" }],
    });
  });
});

describe("secrets that no key opens", () => {
  it("are counted, named and not touched, and hold up nothing", async () => {
    await store(LOST, named("lost.example"));
    await store(OLD, named("a-damaged.example"));
    await store(OLD, named("whole.example"));
    const damage = "UPDATE secrets SET sealed = substr(sealed, 1, 20) || 'AAAA' WHERE name = 'a-damaged.example'";
    await env.DB.prepare(damage).run();
    const read = () =>
      Promise.all(["lost.example", "a-damaged.example"].map((name) => readSecret(env.DB, named(name))));
    const before = await read();
    await createResealer().tick(both, 0);
    expect(await read()).toEqual(before);
    expect(await readWith(NEW, named("whole.example"))).toBe("secret of whole.example");
    expect(logged.map(({ event }) => event)).toEqual([
      "secrets_resealed",
      "secrets_unreadable",
      "encryption_keys_may_go",
    ]);
    expect(logged[1]).toMatchObject({ secrets: 2, first: expect.stringContaining("user_seals git lost.example") });
    expect(await reportSeals(both)).toEqual({
      keys: [
        { key_id: expect.any(String), is_first: true, secrets: 1 },
        { key_id: expect.any(String), is_first: false, secrets: 1 },
      ],
      waiting: 0,
      unreadable: 2,
      first_unreadable: [named("lost.example"), named("a-damaged.example")],
      former_keys_may_go: true,
    });
  });
});

describe("what it costs", () => {
  it("is nothing with one key, and nothing in the hour after all is done", async () => {
    await store(OLD, named("host"));
    let asked = 0;
    const database = new Proxy(env.DB, {
      get(target, name) {
        if (name === "prepare") asked += 1;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const single = createResealer();
    for (const keys of [[], [OLD], [OLD, OLD]]) await single.tick({ database, encryption_keys: keys }, 0);
    expect(asked).toBe(0);
    const resealer = createResealer();
    await resealer.tick({ ...both, database }, 0);
    const done = asked;
    expect(done).toBeGreaterThan(0);
    for (let minute = 1; minute < 60; minute++) await resealer.tick({ ...both, database }, minute * 60_000);
    expect(asked).toBe(done);
  });

  it("begins anew after an hour, since an isolate of the old settings may have stored something", async () => {
    const resealer = createResealer();
    await resealer.tick(both, 0);
    await store(OLD, named("late"));
    await resealer.tick(both, 60_000);
    expect(await readWith(NEW, named("late"))).toBeNull();
    await resealer.tick(both, HOUR);
    expect(await readWith(NEW, named("late"))).toBe("secret of late");
  });
});
