// Whole results of tools. The model gets a long one without its middle, and reads the rest by the call's id. They
// belong to this thread and are stored only in the object's SQLite.
import { toToolMessage } from "../../store/shapes/message.ts";
import { readStored } from "../../store/shapes/stored.ts";
import { readText, type Sql, writeText } from "../rows/database.ts";

/** At 4 Mi characters each they stay far below the 10 GB of an object. A model that reads on does so soon. */
const MAX_KEPT = 500;
/** There is no index by call id, so only this many of the newest rows are searched. */
const MAX_SEARCHED = 2000;

/** `seq`: the row of the message that holds the shortened result. Inside a transaction. */
export function keepResult(sql: Sql, seq: number, tool_call_id: string, whole: string): void {
  sql.exec(
    "INSERT INTO results (seq, tool_call_id, content) VALUES (?, ?, ?)",
    seq,
    tool_call_id,
    writeText(sql, `w:${seq}`, whole),
  );
  const old = sql
    .exec<{ seq: number }>("SELECT seq FROM results ORDER BY seq DESC LIMIT -1 OFFSET ?", MAX_KEPT)
    .toArray();
  for (const row of old) {
    sql.exec("DELETE FROM results WHERE seq = ?", row.seq);
    sql.exec("DELETE FROM overflow WHERE owner = ?", `w:${row.seq}`);
  }
}

/** The whole result of a call: the kept one, or its message if that was not shortened. */
export function readResult(sql: Sql, tool_call_id: string): string | null {
  const [kept] = sql
    .exec<{ seq: number; content: string | null }>(
      "SELECT seq, content FROM results WHERE tool_call_id = ? ORDER BY seq DESC LIMIT 1",
      tool_call_id,
    )
    .toArray();
  if (kept !== undefined) return readText(sql, `w:${kept.seq}`, kept.content);
  // `JSON.stringify` wrote the row, so a tool's text in it has no unescaped quotation mark and can't match.
  const mark = `"tool_call_id":${JSON.stringify(tool_call_id)}`;
  const [row] = sql
    .exec<{ seq: number; content: string | null }>(
      `SELECT seq, content FROM (SELECT seq, content FROM messages WHERE type = 'tool' ORDER BY seq DESC LIMIT ?)
       WHERE instr(content, ?) > 0 ORDER BY seq DESC LIMIT 1`,
      MAX_SEARCHED,
      mark,
    )
    .toArray();
  if (row === undefined) return null;
  const message = readStored(toToolMessage, readText(sql, `m:${row.seq}`, row.content), "result", row.seq);
  return message?.tool_call_id === tool_call_id ? message.content : null;
}
