// How many threads were deleted because they were too old. Counted in the transaction that deletes one, so that the count
// is exact whatever dies in between.
import { isRecord } from "../../lib/is-record.ts";
import { readState } from "../server/state.ts";
import { isNumber, isText, shapeOf } from "../shapes/stored.ts";

const NAME = "expired_threads";

/** Before the tombstone of the thread, which a repeat finds. */
export const COUNT_EXPIRED = `
INSERT INTO server_state (name, value)
SELECT '${NAME}', json_object('count', 1, 'last_at', ?3)
WHERE EXISTS (SELECT 1 FROM threads WHERE user_id = ?1 AND thread_id = ?2 AND deleted_at IS NULL)
ON CONFLICT (name) DO UPDATE SET value =
  json_object('count', (server_state.value ->> 'count') + 1, 'last_at', excluded.value ->> 'last_at')`;

export interface ExpiredCount {
  count: number;
  last_at: string;
}

const toCount = shapeOf((value): value is ExpiredCount => {
  return isRecord(value) && isNumber(value.count) && isText(value.last_at);
});

export async function readExpiredCount(db: D1Database): Promise<ExpiredCount | null> {
  return await readState(db, NAME, toCount);
}
