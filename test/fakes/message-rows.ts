// Rows of one type, with the content that they then have.
import type { MessageRow, MessageType } from "../../src/protocol/message.ts";

export function rowsOfType<Type extends MessageType>(
  rows: MessageRow[],
  type: Type,
): Extract<MessageRow, { type: Type }>[] {
  return rows.filter((row): row is Extract<MessageRow, { type: Type }> => row.type === type);
}
