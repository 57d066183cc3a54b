import { describe, expect, it } from "vitest";
import { openDatabase } from "../../../test/fakes/sqlite-database.ts";
import { firstIdAt, newId } from "../../protocol/ids.ts";
import type { Sql } from "./database.ts";
import { findMessageSeq, insertMessage } from "./messages.ts";
import { FOREIGN_ID, isOwnShape, newOwnMessageId } from "./own-ids.ts";

const ids = [other(), newOwnMessageId(), "m1", "msg_0123456789zzz", "zzzzzzzzzzzzzzzzzzzzzzzz", "a-b_c"];

/** One in 32,768 has the mark by chance. */
function other(): string {
  const id = newId("msg");
  return isOwnShape(id) ? other() : id;
}

function fill(sql: Sql): void {
  for (const message_id of ids) {
    const message = { role: "user" as const, content: "hi" };
    const origin = { message_id, invocation_id: null, agent_id: null, created_at: "" };
    insertMessage(sql, { ...origin, type: "user", is_llm_message: true, content: message });
  }
}

describe("the id of a message", () => {
  it("that the object makes is a ULID that sorts by its time, and is told from what others make", () => {
    const before = firstIdAt("msg", Date.now());
    const own = newOwnMessageId();
    expect(own).toMatch(/^msg_[0-9a-hjkmnp-tv-z]{26}$/);
    expect(own > before && own < firstIdAt("msg", Date.now() + 1)).toBe(true);
    expect([isOwnShape(own), isOwnShape(other())]).toEqual([true, false]);
    expect(newOwnMessageId()).not.toBe(own);
  });

  it("is found, whoever made it", () => {
    const { sql } = openDatabase();
    fill(sql);
    expect(ids.map((id) => findMessageSeq(sql, id))).toEqual([1, 2, 3, 4, 5, 6]);
    expect([other(), newOwnMessageId(), "m2"].map((id) => findMessageSeq(sql, id))).toEqual([null, null, null]);
  });

  it("is in the index only if the object did not make it, and a question for it reads the index alone", () => {
    const { sql } = openDatabase();
    fill(sql);
    const asked = `SELECT seq FROM messages WHERE message_id = ? AND ${FOREIGN_ID}`;
    const [plan] = sql.exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${asked}`, "m1").toArray();
    expect(plan?.detail).toContain("USING COVERING INDEX messages_by_id");
    const indexed = sql
      .exec<{ message_id: string }>(`SELECT message_id FROM messages INDEXED BY messages_by_id WHERE ${FOREIGN_ID}`)
      .toArray();
    expect(indexed.map(({ message_id }) => message_id).sort()).toEqual(ids.filter((id) => !isOwnShape(id)).sort());
  });
});
