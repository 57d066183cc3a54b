// Up to where D1 is known to be. Without it all is sent again, which changes nothing there.
import { isRecord } from "../../../agent/calls/leniency.ts";
import { isNumber, shapeOf } from "../../../store/shapes/stored.ts";

export interface Position {
  message_seq: number;
  plan_version: number;
  thread_version: number;
  project: boolean;
  /** Runs that changed before this number of the journal are there. */
  run_seq: number;
}

export const toPosition = shapeOf(isPosition);

function isPosition(value: unknown): value is Position {
  if (!isRecord(value) || typeof value.project !== "boolean") return false;
  return [value.message_seq, value.plan_version, value.thread_version, value.run_seq].every(isNumber);
}
