// Some servers make native calls of what they recognise and leave the markup in the text. The nth call of a tool as text
// and its nth native one are the same if they say the same; the one that comes first counts. Other calls are two.
import { readMalformed } from "../../agent/calls/malformed-call.ts";
import { asRecord } from "../../lib/is-record.ts";
import type { ToolCall } from "../../protocol/message.ts";

export interface Twins {
  /** The call of the other origin that this one may repeat. */
  add(origin: "text" | "native", name: string, call: ToolCall): ToolCall | null;
}

export function createTwins(): Twins {
  const seen = { text: new Map<string, ToolCall[]>(), native: new Map<string, ToolCall[]>() };
  return {
    add(origin, name, call) {
      const own = seen[origin].get(name) ?? [];
      seen[origin].set(name, own);
      const place = own.push(call) - 1;
      return seen[origin === "text" ? "native" : "text"].get(name)?.[place] ?? null;
    },
  };
}

/** Whether a call may be left out, because the other one says the same or it can't be read itself. */
export function isSameCall(call: ToolCall, other: ToolCall): boolean {
  const mine = readArguments(call);
  return mine === null || mine === readArguments(other);
}

/** Null if they can't be read. Without types, a server may read a number as a text. */
function readArguments({ function: { arguments: written } }: ToolCall): string | null {
  if (readMalformed(written) !== null) return null;
  try {
    return describe(JSON.parse(written === "" ? "{}" : written));
  } catch {
    return null;
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describe).join()}]`;
  const record = asRecord(value);
  if (record === null) return JSON.stringify(String(value).trim());
  const entries = Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${describe(each)}`).join()}}`;
}
