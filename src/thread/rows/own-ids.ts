// Ids of the messages that the object itself makes: replies, results, ends. They are marked, so that the index by id has
// only those that come from outside and are asked for with each input. An entry is a row written, and most messages are
// the object's. An id from outside that looks like the object's is found, too: SQLite then looks at every message.
import { newId } from "../../protocol/ids.ts";

// In the place of 15 random bits, behind the prefix and the time. One other id of 32,768 has it by chance.
const MARK = "zzz";
const PLACE = "msg_".length + 10;

export function newOwnMessageId(): string {
  const id = newId("msg");
  return `${id.slice(0, PLACE)}${MARK}${id.slice(PLACE + MARK.length)}`;
}

/** Whether a message with this id is in no index. */
export function isOwnShape(message_id: string): boolean {
  return message_id.slice(PLACE, PLACE + MARK.length) === MARK;
}

/** The same in SQL, the other way round. SQLite uses the index if a statement has these very words. */
export const FOREIGN_ID = `substr(message_id, ${PLACE + 1}, ${MARK.length}) <> '${MARK}'`;
