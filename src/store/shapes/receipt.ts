// A receipt as the object's SQLite and D1 store it.
import { isRecord } from "../../lib/is-record.ts";
import type { Receipt } from "../../protocol/plan/check.ts";
import { isNumber, isText, isTextOrNull, shapeOf } from "./stored.ts";

export const toReceipt = shapeOf(isReceipt);

function isReceipt(value: unknown): value is Receipt {
  if (!isRecord(value) || !isRecord(value.spec) || !isText(value.spec.type)) return false;
  const { receipt_id, task_id, check_id, outcome, reason, started_at, output_head, output_tail } = value;
  if (![receipt_id, task_id, check_id, outcome, reason, started_at, output_head, output_tail].every(isText))
    return false;
  return isNumber(value.duration_ms) && isTextOrNull(value.invocation_id);
}
