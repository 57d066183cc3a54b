// The position up to which D1 has the object's rows. Without it everything is sent again, which changes nothing in D1.
import { isRecord } from "../../../lib/is-record.ts";
import { isNumber, shapeOf } from "../../../store/shapes/stored.ts";

export interface Position {
  message_seq: number;
  plan_version: number;
  thread_version: number;
  project: boolean;
  /** D1 has the runs that changed before this number of the journal. */
  run_seq: number;
}

export const toPosition = shapeOf(isPosition);

function isPosition(value: unknown): value is Position {
  if (!isRecord(value) || typeof value.project !== "boolean") return false;
  return [value.message_seq, value.plan_version, value.thread_version, value.run_seq].every(isNumber);
}
