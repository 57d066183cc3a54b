// Values as servers send them, in the form that is read.
import { isRecord } from "../../lib/is-record.ts";

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The arguments of a call: some servers send the object itself. */
export function asArguments(value: unknown): string {
  return isRecord(value) ? JSON.stringify(value) : asText(value);
}
