// Reads the count of hops from a request. A delivery carries it in a header, which relays drop, and in its payload,
// which they often forward. The largest count found is used. A count that can't be read is treated as the maximum: a
// relay that garbles it must not restart a loop.
//
// The payload is searched for the member at any depth, since relays wrap what they forward. Text inside values is not
// searched: the author of an issue must not decide whether a run starts.
import { BUDGET_HOPS, END_HOPS, MAX_HOPS, TASK_HOPS } from "../protocol/chain.ts";
import { clientId } from "../protocol/ids.ts";
import type { Payload } from "./payload.ts";

/** A proxy may send the header two or three times; a longer value is no count. */
const HEADER_CHARACTERS = 100;

/**
 * Matches the member of a JSON object or the field of a form. Relays that flatten a payload put the path before the
 * name (`data__taskloom_hops`, `data[taskloom_hops]`). Relays that copy headers into the body write the header's name,
 * in any case.
 */
const memberName = /(?:^|[^a-z0-9])taskloom[_-]?hops\]?$/i;

export interface FoundHops {
  /** At most `MAX_HOPS`. */
  hops: number;
  isReadable: boolean;
  /** The run that the payload names. */
  run: { thread_id: string; invocation_id: string } | null;
  /** What the event adds to that run's hops. */
  step: number;
}

export function readHops(header: string | null, payload: Payload | null): FoundHops {
  const found = [searchPayload(payload?.value), searchPayload(payload?.fields)];
  const marks = found.flatMap(({ marks }) => marks);
  const ofHeader = readText(header ?? "");
  const furthest = marks.reduce<Mark | null>((most, mark) => (most && most.hops >= mark.hops ? most : mark), null);
  const run = (furthest && readRunOf(furthest.holder)) ?? found.find(({ run }) => run !== null)?.run ?? null;
  return {
    hops: Math.max(furthest?.hops ?? 0, ofHeader ?? MAX_HOPS),
    isReadable: ofHeader !== null && marks.every(({ isReadable }) => isReadable),
    run,
    step: Math.max(...found.map(({ step }) => step)),
  };
}

interface Mark {
  hops: number;
  isReadable: boolean;
  holder: Record<string, unknown>;
}

interface Search {
  marks: Mark[];
  /** The first run named anywhere in the payload, for an event whose count a relay has dropped. */
  run: FoundHops["run"];
  /** What an event of its type adds. */
  step: number;
}

/** Without recursion, since a payload may be nested deeper than the stack. */
function searchPayload(value: unknown): Search {
  const search: Search = { marks: [], run: null, step: END_HOPS };
  const left = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== "object" || next === null) continue;
    const holder = next as Record<string, unknown>;
    const run = readRunOf(holder);
    search.run ??= run;
    search.step = Math.max(search.step, stepOf(holder, run !== null));
    for (const [name, member] of Object.entries(holder)) {
      left.push(member);
      if (!memberName.test(name)) continue;
      const hops = readMember(member);
      search.marks.push({ hops: hops ?? MAX_HOPS, isReadable: hops !== null, holder });
    }
  }
  return search;
}

/** A relay may have dropped the type: then the event shows by what stands beside the ids of its run. */
function stepOf(holder: Record<string, unknown>, namesRun: boolean): number {
  const isOf = (type: RegExp, ...fields: string[]): boolean =>
    (typeof holder.type === "string" && type.test(holder.type)) || (namesRun && fields.some((name) => name in holder));
  if (isOf(/^task\.updated$/, "task", "tasks")) return TASK_HOPS;
  return isOf(/^budget\./, "cap") ? BUDGET_HOPS : END_HOPS;
}

/** Null if the count can't be read. A form may repeat a field. */
function readMember(member: unknown): number | null {
  if (!Array.isArray(member) || member.length === 0) return readOne(member);
  const counts = member.map(readOne);
  return counts.reduce((most, count) => (most === null || count === null ? null : Math.max(most, count)), 0);
}

function readOne(member: unknown): number | null {
  if (member === null) return 0;
  if (typeof member === "number") return Number.isInteger(member) && member >= 0 ? Math.min(member, MAX_HOPS) : null;
  return typeof member === "string" ? readText(member) : null;
}

/**
 * A repeated header is a list, and some relays write whole numbers as `1.0`. An empty value counts as zero: it comes
 * from a relay whose template found nothing.
 */
function readText(text: string): number | null {
  if (text.length > HEADER_CHARACTERS) return null;
  const counts = text.split(",").map((item) => item.trim());
  if (counts.some((count) => !/^(?:\d+(?:\.0+)?)?$/.test(count))) return null;
  return Math.min(Math.max(...counts.map(Number)), MAX_HOPS);
}

function readRunOf(holder: Record<string, unknown>): FoundHops["run"] {
  const thread_id = clientId.safeParse(holder.thread_id);
  const invocation_id = clientId.safeParse(holder.invocation_id);
  if (!thread_id.success || !invocation_id.success) return null;
  return { thread_id: thread_id.data, invocation_id: invocation_id.data };
}
