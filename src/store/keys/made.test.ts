import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { deleteApiKey } from "../api-keys.ts";
import { isKnownKey, listMade } from "./made.ts";
import { REVOKED_AT } from "./maker.ts";
import { readPendingEnds } from "./pending.ts";
import { revokeMade } from "./revocation.ts";

const now = Date.parse("2026-11-27T10:00:00.000Z");
const later = "2026-11-28T10:00:00.000Z";
const at = "2026-11-27T09:00:00.000Z";

type State = "live" | "deleted" | "revoked";
interface World {
  /** Each key's maker by its place in the list; -1 for the admin key, -2 for none. Cycles are possible. */
  keys: { maker: number; state: State }[];
  things: { table: keyof typeof insert; maker: number; isOfOther: boolean }[];
}

const columns = "(user_id, key_id, name, hash, created_at, made_by, kind)";
const nameOf = (place: number) => (place === -1 ? "admin_key" : place === -2 ? null : `key_${place}`);

const insert = {
  triggers: `INSERT INTO triggers (user_id, trigger_id, type, thread, enabled, created_at, updated_at, settings, prompt, made_by)
    VALUES (?1, ?2, 'webhook', 'new', 1, '${at}', '${at}', '{}', 'p', ?3)`,
  webhooks: `INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url, made_by)
    VALUES (?1, ?2, 1, '${at}', '${at}', '[]', 'https://x.example', ?3)`,
  previews: `INSERT INTO previews VALUES (?1, ?2, 3000, ?1 || ?2, 'https://x.example', '${at}', '${later}', ?3)`,
  ssh_accesses: `INSERT INTO ssh_accesses VALUES (?1, ?2, '${at}', '${later}', ?3)`,
  slack_workspaces: `INSERT INTO slack_workspaces VALUES (?1, ?2, NULL, 'B', NULL, NULL, '${at}', '${at}', ?3)`,
};
const idColumn = {
  triggers: "trigger_id",
  webhooks: "webhook_id",
  previews: "project_id",
  ssh_accesses: "project_id",
  slack_workspaces: "team_id",
};

const world = fc.integer({ min: 1, max: 8 }).chain((count) => {
  const maker = fc.integer({ min: -2, max: count - 1 });
  const state = fc.constantFrom<State>("live", "live", "deleted", "revoked");
  return fc.record<World>({
    keys: fc.array(fc.record({ maker, state }), { minLength: count, maxLength: count }),
    things: fc.array(
      fc.record({
        table: fc.constantFrom(...(Object.keys(insert) as (keyof typeof insert)[])),
        maker,
        isOfOther: fc.boolean(),
      }),
      { maxLength: 12 },
    ),
  });
});

function fill({ keys, things }: World): SqliteD1 {
  const d1 = openD1();
  keys.forEach(({ maker, state }, place) => {
    const id = state === "live" ? `key_${place}` : `deleted:key_${place}`;
    const hash = state === "live" ? "hash" : state;
    d1.read(
      `INSERT INTO api_keys ${columns} VALUES ('user_1', '${id}', NULL, '${hash}', '${at}', ?, 'key')`,
      nameOf(maker),
    );
    // Another user whose rows name the same makers.
    d1.read(
      `INSERT INTO api_keys ${columns} VALUES ('user_2', 'other_${place}', NULL, 'hash', '${at}', ?, 'key')`,
      nameOf(maker),
    );
  });
  things.forEach(({ table, maker, isOfOther }, place) => {
    const user = isOfOther ? "user_2" : "user_1";
    d1.read(
      insert[table].replaceAll(/\?[123]/g, (name) =>
        quote([user, `t_${place}`, nameOf(maker)][Number(name[1]) - 1] ?? null),
      ),
    );
  });
  return d1;
}

const quote = (value: string | null) => (value === null ? "NULL" : `'${value}'`);

/** The keys that a key made, and those that they made, and itself. */
function closure({ keys }: World, root: number): Set<number> {
  const found = new Set([root]);
  for (let grew = true; grew; ) {
    grew = false;
    keys.forEach(({ maker }, place) => {
      if (found.has(maker) && !found.has(place)) {
        found.add(place);
        grew = true;
      }
    });
  }
  return found;
}

describe("what a key made", () => {
  it("is everything that it and the keys made by it made, and nothing else", () =>
    fc.assert(
      fc.asyncProperty(world, fc.integer({ min: -1, max: 7 }), async (world, root) => {
        const d1 = fill(world);
        const makers = closure(world, root);
        const listed = await listMade(d1.binding, "user_1", String(nameOf(root)), now);
        const keys = world.keys.flatMap(({ maker, state }, place) =>
          state === "live" && makers.has(maker) ? [`key_${place}`] : [],
        );
        const things = world.things.flatMap(({ maker, isOfOther }, place) =>
          makers.has(maker) && !isOfOther ? [`t_${place}`] : [],
        );
        const ids = listed.map(({ type, id, project_id }) => (type === "preview" ? project_id : id));
        expect(ids.toSorted()).toEqual([...keys, ...things].toSorted());
      }),
    ));

  it("is revoked with it, also if that happens twice, and nothing of another key or user is", () =>
    fc.assert(
      fc.asyncProperty(world, fc.integer({ min: -1, max: 7 }), fc.boolean(), async (world, root, twice) => {
        const d1 = fill(world);
        const makers = closure(world, root);
        const revoked = await revokeMade(d1.binding, "user_1", String(nameOf(root)), now);
        if (twice) await revokeMade(d1.binding, "user_1", String(nameOf(root)), now);
        const isGone = (place: number) => makers.has(place) || world.keys[place]?.state === "revoked";
        const left = d1.read<{ key_id: string }>(
          "SELECT key_id FROM api_keys WHERE user_id = 'user_1' AND hash = 'hash'",
        );
        const live = world.keys.flatMap(({ state }, place) =>
          state === "live" && !makers.has(place) ? [`key_${place}`] : [],
        );
        expect(left.map(({ key_id }) => key_id).toSorted()).toEqual(live.toSorted());
        expect(revoked.key_ids.toSorted()).toEqual(
          world.keys
            .flatMap(({ state }, place) => (state !== "revoked" && makers.has(place) ? [`key_${place}`] : []))
            .toSorted(),
        );
        const others = d1.read("SELECT 1 FROM api_keys WHERE user_id = 'user_2'");
        expect(others).toHaveLength(world.keys.length);
        world.things.forEach(({ table, maker, isOfOther }, place) => {
          const [row] = d1.read<{ enabled?: number; expires_at?: string; settings?: string; disabled_reason?: string }>(
            `SELECT * FROM ${table} WHERE ${idColumn[table]} = 't_${place}'`,
          );
          const isOpen = row !== undefined && row.enabled !== 0 && row.expires_at !== REVOKED_AT;
          expect([table, isOpen]).toEqual([table, isOfOther || !isGone(maker)]);
          const why = table === "triggers" ? JSON.parse(row?.settings ?? "{}").disabled_reason : row?.disabled_reason;
          if (table === "triggers" || table === "webhooks") {
            expect(why ?? null).toBe(isOpen ? null : `What its API key made was revoked: ${nameOf(maker)}.`);
          }
        });
      }),
    ));

  it("is found through a key that was deleted before, and deletes the row of such a key once it leads nowhere", async () => {
    const d1 = fill({
      keys: [
        { maker: -1, state: "live" },
        { maker: 0, state: "live" },
        { maker: 0, state: "live" },
      ],
      things: [{ table: "triggers", maker: 1, isOfOther: false }],
    });
    expect(await deleteApiKey(d1.binding, "user_1", "key_1", now)).toBe(true);
    expect(await deleteApiKey(d1.binding, "user_1", "key_1", now)).toBe(false);
    expect(await deleteApiKey(d1.binding, "user_1", "deleted:key_1", now)).toBe(false);
    expect(await deleteApiKey(d1.binding, "user_1", "key_2", now)).toBe(true);
    expect(await isKnownKey(d1.binding, "user_1", "key_2")).toBe(true);
    expect(await isKnownKey(d1.binding, "user_2", "key_2")).toBe(false);
    expect(await listMade(d1.binding, "user_1", "key_0", now)).toMatchObject([{ id: "t_0", made_by: "key_1" }]);
    const month = 31 * 24 * 3_600_000;
    await deleteApiKey(d1.binding, "user_1", "none", now + month);
    expect(await isKnownKey(d1.binding, "user_1", "key_1")).toBe(true);
    expect(await isKnownKey(d1.binding, "user_1", "key_2")).toBe(false);
    expect(await listMade(d1.binding, "user_1", "key_0", now)).toMatchObject([{ id: "t_0" }]);
  });

  it("of a chain of twenty thousand keys is found in one pass over them", async () => {
    const d1 = openD1();
    const chain = "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 20000)";
    const keys = `SELECT 'user_1', 'key_' || n, NULL, 'hash', '${at}', 'key_' || (n - 1), 'key' FROM counted`;
    d1.read(`INSERT INTO api_keys ${columns} ${chain} ${keys}`);
    expect(await listMade(d1.binding, "user_1", "key_1", now)).toHaveLength(1000);
    // With a pass for each key it would take minutes.
    expect((await revokeMade(d1.binding, "user_1", "key_1", now)).key_ids).toHaveLength(20_000);
  });

  it("that a provider opened stays marked until it has ended there", async () => {
    const d1 = fill({
      keys: [{ maker: -2, state: "live" }],
      things: [
        { table: "previews", maker: 0, isOfOther: false },
        { table: "ssh_accesses", maker: 0, isOfOther: false },
        { table: "previews", maker: -2, isOfOther: false },
      ],
    });
    const { tokens } = await revokeMade(d1.binding, "user_1", "key_0", now);
    expect(tokens).toEqual(["user_1t_0"]);
    expect((await listMade(d1.binding, "user_1", "key_0", now)).map(({ pending }) => pending)).toEqual([true, true]);
    const { previews, ssh_accesses } = await readPendingEnds(d1.binding, "user_1", 10);
    expect([previews, ssh_accesses]).toMatchObject([[{ project_id: "t_0" }], [{ project_id: "t_1" }]]);
    expect(await listMade(d1.binding, "user_1", "unknown", now)).toMatchObject([
      { type: "preview", project_id: "t_2" },
    ]);
  });
});
