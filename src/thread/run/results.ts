// Results of tools as they were before their middle was cut for the model, which reads on in them by the call's id. Of this
// thread only, and in the object's SQLite only.
import { toToolMessage } from "../../store/shapes/message.ts";
import { readStored } from "../../store/shapes/stored.ts";
import { readText, type Sql, writeText } from "../rows/database.ts";

/** With 4 Mi characters each they stay far below the 10 GB that an object may hold; who reads on does it soon. */
const MOST_KEPT = 500;
/** No index knows the calls of messages: so many of the newest are looked through. */
const MOST_SEARCHED = 2000;

/** `seq` is the place of the message that holds the rest. Inside a transaction. */
export function keepResult(sql: Sql, seq: number, tool_call_id: string, whole: string): void {
  sql.exec(
    "INSERT INTO results (seq, tool_call_id, content) VALUES (?, ?, ?)",
    seq,
    tool_call_id,
    writeText(sql, `w:${seq}`, whole),
  );
  const old = sql
    .exec<{ seq: number }>("SELECT seq FROM results ORDER BY seq DESC LIMIT -1 OFFSET ?", MOST_KEPT)
    .toArray();
  for (const row of old) {
    sql.exec("DELETE FROM results WHERE seq = ?", row.seq);
    sql.exec("DELETE FROM overflow WHERE owner = ?", `w:${row.seq}`);
  }
}

/** The whole result of a call: what was kept of it, or its message, where that has all of it. */
export function readResult(sql: Sql, tool_call_id: string): string | null {
  const [kept] = sql
    .exec<{ seq: number; content: string | null }>(
      "SELECT seq, content FROM results WHERE tool_call_id = ? ORDER BY seq DESC LIMIT 1",
      tool_call_id,
    )
    .toArray();
  if (kept !== undefined) return readText(sql, `w:${kept.seq}`, kept.content);
  // Written by `JSON.stringify`, in which no text of a tool has a bare quotation mark.
  const mark = `"tool_call_id":${JSON.stringify(tool_call_id)}`;
  const [row] = sql
    .exec<{ seq: number; content: string | null }>(
      `SELECT seq, content FROM (SELECT seq, content FROM messages WHERE type = 'tool' ORDER BY seq DESC LIMIT ?)
       WHERE instr(content, ?) > 0 ORDER BY seq DESC LIMIT 1`,
      MOST_SEARCHED,
      mark,
    )
    .toArray();
  if (row === undefined) return null;
  const message = readStored(toToolMessage, readText(sql, `m:${row.seq}`, row.content), "result", row.seq);
  return message?.tool_call_id === tool_call_id ? message.content : null;
}
