import { sql } from "drizzle-orm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSession } from "../../../test/fakes/session.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { createApiKey, deleteApiKey, findApiKey, findEndedKeys, listApiKeys } from "../api-keys.ts";
import { open } from "../database.ts";
import { isKnownKey, listMade } from "../keys/made.ts";
import { ownerUnlessRevoked } from "../keys/maker.ts";
import { revokeMade } from "../keys/revocation.ts";
import { users } from "./schema.ts";
import { deleteExpiredSessions, endSession, endSessions, listSessions, MAX_SESSIONS } from "./sessions.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
// Statements compare with the time that it is.
const now = Date.now();

const keysIn = (d1: SqliteD1, where = "1") =>
  d1.read<{ key_id: string }>(`SELECT key_id FROM api_keys WHERE ${where} ORDER BY key_id`).map(({ key_id }) => key_id);

function addTrigger(d1: SqliteD1, made_by: string, user_id = "user_ada"): void {
  const at = new Date(now).toISOString();
  d1.read(
    `INSERT INTO triggers (user_id, trigger_id, type, thread, enabled, created_at, updated_at, settings, prompt, made_by)
     VALUES (?, ?, 'webhook', 'new', 1, ?, ?, '{}', 'p', ?)`,
    user_id,
    `trig_${made_by}`,
    at,
    at,
    made_by,
  );
}

const keyOf = (key_id: string, made_by: string | null = null) => ({
  key_id,
  name: null,
  kind: "key" as const,
  hash: "hash",
  created_at: new Date(now).toISOString(),
  made_by,
  scopes: null,
  expires_at: null,
});

describe("a session", () => {
  it("is in the list of sessions, and in none of keys, and can't be deleted as a key", async () => {
    const { binding: db } = openD1();
    const { session_id } = await makeSession(db, { user_id: "user_ada", now });
    await createApiKey(db, "user_ada", keyOf("key_1"));
    expect(await listSessions(db, "user_ada", now)).toEqual([
      {
        session_id,
        created_at: new Date(now).toISOString(),
        expires_at: new Date(now + DAY).toISOString(),
        last_used_at: new Date(now).toISOString(),
        user_agent: "a browser",
        address: "192.0.2.7",
      },
    ]);
    const page = await listApiKeys(db, "user_ada", { limit: 10, cursor: null });
    expect(page.ok && page.value.data.map(({ key_id }) => key_id)).toEqual(["key_1"]);
    expect((await listMade(db, "user_ada", "unknown", now)).map(({ id }) => id)).toEqual(["key_1"]);
    expect(await deleteApiKey(db, "user_ada", session_id, now)).toBe(false);
    expect(await findEndedKeys(db, "user_ada", [session_id], now)).toEqual([]);
    expect(await listSessions(db, "user_bob", now)).toEqual([]);
  });

  it("that was ended holds for nobody, keeps nothing of the person, and what it made is found", async () => {
    const d1 = openD1();
    const { session_id } = await makeSession(d1.binding, { user_id: "user_ada", now });
    addTrigger(d1, session_id);
    expect(await endSession(d1.binding, "user_bob", session_id, now)).toBe(false);
    expect(await endSession(d1.binding, "user_ada", session_id, now)).toBe(true);
    expect(await endSession(d1.binding, "user_ada", session_id, now)).toBe(false);
    expect(await findApiKey(d1.binding, session_id)).toBeNull();
    expect(await findEndedKeys(d1.binding, "user_ada", [session_id], now)).toEqual([session_id]);
    expect(d1.read("SELECT details, name FROM api_keys")).toEqual([{ details: null, name: null }]);
    expect(await listMade(d1.binding, "user_ada", session_id, now)).toMatchObject([{ type: "trigger" }]);
    await revokeMade(d1.binding, "user_ada", session_id, now);
    expect(d1.read("SELECT enabled FROM triggers")).toEqual([{ enabled: 0 }]);
  });

  it("is revoked with what it made while it is live", async () => {
    const d1 = openD1();
    const { session_id } = await makeSession(d1.binding, { user_id: "user_ada", now });
    await createApiKey(d1.binding, "user_ada", keyOf("key_1", session_id));
    const { key_ids } = await revokeMade(d1.binding, "user_ada", session_id, now);
    expect(key_ids.sort()).toEqual(["key_1", session_id].sort());
    expect(await listSessions(d1.binding, "user_ada", now)).toEqual([]);
    expect(d1.read("SELECT DISTINCT hash, details FROM api_keys")).toEqual([{ hash: "revoked", details: null }]);
  });

  it("of many ends with the others, but for the one that is named, and nobody else's does", async () => {
    const d1 = openD1();
    const [first, second] = [
      await makeSession(d1.binding, { user_id: "user_ada", now }),
      await makeSession(d1.binding, { user_id: "user_ada", now: now + 1 }),
    ];
    const others = await makeSession(d1.binding, { user_id: "user_bob", now });
    await createApiKey(d1.binding, "user_ada", keyOf("key_1"));
    expect(await endSessions(d1.binding, "user_ada", now, second.session_id)).toEqual([first.session_id]);
    expect(await endSessions(d1.binding, "user_ada", now)).toEqual([second.session_id]);
    expect(await endSessions(d1.binding, "user_ada")).toEqual([]);
    expect(keysIn(d1, "hash <> 'deleted'")).toEqual(["key_1", others.session_id]);
  });

  it("beyond twenty of a user ends the oldest", async () => {
    const d1 = openD1();
    const made: string[] = [];
    for (let count = 0; count <= MAX_SESSIONS + 1; count++) {
      made.push((await makeSession(d1.binding, { user_id: "user_ada", now: now + count })).session_id);
    }
    const listed = await listSessions(d1.binding, "user_ada", now + 100);
    expect(listed.map(({ session_id }) => session_id)).toEqual(made.slice(2).reverse());
    expect(await findEndedKeys(d1.binding, "user_ada", made, now + 100)).toEqual(made.slice(0, 2));
  });
});

describe("sessions that have expired", () => {
  const expiring = fc.array(
    fc.record({
      isOfOther: fc.boolean(),
      /** Hours from now; 0 is now. */
      left: fc.constantFrom(-48, -1, 0, 1, 48),
      hasMade: fc.boolean(),
    }),
    { maxLength: 8 },
  );

  it.each([
    ["a sweep", (db: D1Database) => deleteExpiredSessions(db, now), true],
    ["their user's next sign-in", (db: D1Database) => makeSession(db, { user_id: "user_ada", now }), false],
  ] as const)("are ended by %s, and can still be revoked with what they make", (_what, clean, isOfAll) =>
    fc.assert(
      fc.asyncProperty(expiring, async (given) => {
        const d1 = openD1();
        const made = [];
        for (const { isOfOther, left, hasMade } of given) {
          const user_id = isOfOther ? "user_bob" : "user_ada";
          const at = now - 100 * HOUR;
          // A later sign-in than all: what it cleans is not what is asked here.
          const lasts_ms = now + left * HOUR - at;
          const { session_id } = await makeSession(d1.binding, { user_id, now: at, lasts_ms });
          if (hasMade) addTrigger(d1, session_id, user_id);
          made.push({ session_id, user_id, isOver: left <= 0 && (isOfAll || !isOfOther) });
        }
        await clean(d1.binding);
        const rows = new Set(keysIn(d1));
        for (const { session_id, user_id, isOver } of made) {
          expect(rows.has(session_id)).toBe(!isOver);
          expect(rows.has(`deleted:${session_id}`)).toBe(isOver);
          expect(await isKnownKey(d1.binding, user_id, session_id)).toBe(true);
          // A run that it started makes a link, and no more once that was revoked.
          const link = sql`SELECT ${ownerUnlessRevoked(user_id, session_id)} AS owner`;
          const ownerNow = async () => (await open(d1.binding).all<{ owner: string | null }>(link))[0]?.owner;
          expect(await ownerNow()).toBe(user_id);
          await revokeMade(d1.binding, user_id, session_id, now);
          expect(await ownerNow()).toBeNull();
        }
      }),
    ),
  );

  it("that made nothing yet make nothing by a run that continues, once they are revoked", async () => {
    const d1 = openD1();
    const { session_id } = await makeSession(d1.binding, { user_id: "user_ada", now: now - DAY, lasts_ms: HOUR });
    await deleteExpiredSessions(d1.binding, now);
    const exposed = () => {
      const { sql, params } = open(d1.binding)
        .select({ owner: ownerUnlessRevoked("user_ada", session_id).as("owner") })
        .from(users)
        .toSQL();
      return d1.read<{ owner: string | null }>(sql, ...(params as string[])).map(({ owner }) => owner);
    };
    d1.read("INSERT INTO users (user_id, created_at) VALUES ('user_ada', '2026')");
    expect(exposed()).toEqual(["user_ada"]);
    await revokeMade(d1.binding, "user_ada", session_id, now);
    expect(exposed()).toEqual([null]);
  });

  it("are looked for among sessions only, by the index of ids", () => {
    const d1 = openD1();
    const plan = d1
      .read<{ detail: string }>(
        "EXPLAIN QUERY PLAN SELECT key_id FROM api_keys WHERE key_id >= 'sess_' AND key_id < 'sess_~' AND kind = 'session' AND expires_at <= 'x'",
      )
      .map(({ detail }) => detail);
    expect(plan).toEqual([expect.stringContaining("api_keys_by_id (key_id>? AND key_id<?)")]);
  });

  it("leave traces that a sweep deletes after thirty days, once nothing names them", async () => {
    const d1 = openD1();
    const [named, unnamed] = [
      await makeSession(d1.binding, { user_id: "user_ada", now }),
      await makeSession(d1.binding, { user_id: "user_ada", now: now - 1 }),
    ];
    addTrigger(d1, named.session_id);
    await endSessions(d1.binding, "user_ada", now);
    await deleteApiKey(d1.binding, "user_ada", "none", now);
    await deleteExpiredSessions(d1.binding, now + 30 * DAY);
    expect(keysIn(d1)).toHaveLength(2);
    await deleteExpiredSessions(d1.binding, now + 30 * DAY + 1);
    expect(keysIn(d1)).toEqual([`deleted:${named.session_id}`]);
    expect(await isKnownKey(d1.binding, "user_ada", unnamed.session_id)).toBe(false);
  });
});
