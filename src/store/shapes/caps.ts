// Caps of users and projects, as D1 stores them. A row that can't be read must not count as one without caps.
import { isRecord } from "../../lib/is-record.ts";
import { type Caps, capNames, type PeriodCaps } from "../../protocol/money/caps.ts";
import { isNumber, parseStored, type Shape, UnreadableRow } from "./stored.ts";

/** Null is no caps. */
export const toCaps: Shape<Caps | null> = (value) => {
  if (value === null) return null;
  const isKnown = isRecord(value) && capNames.every((name) => value[name] == null || isNumber(value[name]));
  return isKnown ? (value as Caps) : undefined;
};

export const toPeriodCaps: Shape<PeriodCaps | null> = (value) => {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const [day, month] = [toCaps(value.day ?? null), toCaps(value.month ?? null)];
  return day === undefined || month === undefined ? undefined : { day, month };
};

/** Throws where they can't be read: a run without its caps could spend anything. */
export function readCaps<T>(shape: Shape<T>, text: string | null | undefined, owner: string): T {
  const caps = shape(text == null ? null : parseStored(text));
  if (caps === undefined) throw new UnreadableRow(`the caps of the ${owner} can't be read`);
  return caps;
}
