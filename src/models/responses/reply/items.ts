// The items of a reply while it streams: found by their place, else by their id, else the newest of their kind. Some
// proxies make a new id for each event, and some servers use a place twice.
import { asText, ReplyTooLong } from "../../exchange/reply.ts";
import { type KeptItem, type Phase, type ReasoningItem, readPhase, readReasoning } from "../extras.ts";
import type { Calls, OpenCall } from "./calls.ts";

/** `other`: an item that we never ask for. What led to it has no use without it. */
type Kind = "message" | "reasoning" | "function_call" | "other";

export interface OpenItem {
  kind: Kind;
  id: string;
  call: OpenCall | null;
  /** Texts by their places: of a message, or of reasoning as far as it is shown. */
  parts: string[];
  /** Characters of a message's text. */
  length: number;
  /** What is shown of reasoning. */
  source: "summary" | "content" | null;
  call_id: string;
  phase: Phase | null;
  reasoning: ReasoningItem | null;
  /** An event has brought it; until then only pieces of it have come. */
  isAdded: boolean;
}

export interface Items {
  /** The item of a kind that an event is about; a new one if none is. */
  find(kind: Kind, event: Record<string, unknown>): OpenItem;
  /** The item that an event brings. */
  open(event: Record<string, unknown>, value: Record<string, unknown>): OpenItem;
  /** `isWhole`: nothing of the item is still to come. */
  update(item: OpenItem, value: Record<string, unknown>, isWhole: boolean): void;
  /** The items of a whole response, with those that are known of them. Both are in order, but may lack some. */
  match(values: Record<string, unknown>[]): [Record<string, unknown>, OpenItem][];
  kept(): KeptItem[];
  /** The texts of two messages came in turns. */
  isMixed: boolean;
}

/** A model that calls 256 tools may think before each. */
const MAX_ITEMS = 1024;

export function createItems(calls: Calls, count: (characters: number) => void): Items {
  const items: OpenItem[] = [];
  const byPlace = new Map<number, OpenItem>();
  const newest = new Map<Kind, OpenItem>();

  function add(kind: Kind, event: Record<string, unknown>, id: string): OpenItem {
    if (items.length >= MAX_ITEMS) throw new ReplyTooLong();
    const call = kind === "function_call" ? calls.open() : null;
    const item: OpenItem = {
      kind,
      id,
      call,
      parts: [],
      length: 0,
      source: null,
      call_id: "",
      phase: null,
      reasoning: null,
      isAdded: false,
    };
    items.push(item);
    newest.set(kind, item);
    if (typeof event.output_index === "number") byPlace.set(event.output_index, item);
    return item;
  }

  function find(kind: Kind, event: Record<string, unknown>): OpenItem {
    const { output_index, item_id } = event;
    const placed = typeof output_index === "number" ? byPlace.get(output_index) : undefined;
    const here = placed?.kind === kind ? placed : undefined;
    if (here?.id === item_id && here !== undefined) return here;
    const id = asText(item_id);
    const named = id === "" ? undefined : items.find((item) => item.kind === kind && item.id === id);
    const known = named ?? here;
    if (known) return known;
    // A place of its own means another item, unless the server uses one place for several.
    const isOther = typeof output_index === "number" && placed === undefined;
    return (isOther ? undefined : newest.get(kind)) ?? add(kind, event, id);
  }

  /** Whether an item may be the one that is known. A place that is used twice shows by other ids. */
  function isSame(item: OpenItem, kind: Kind, value: Record<string, unknown>): boolean {
    const call_id = asText(value.call_id);
    return item.kind === kind && (item.call_id === "" || call_id === "" || item.call_id === call_id);
  }

  function open(event: Record<string, unknown>, value: Record<string, unknown>): OpenItem {
    const kind = kindOf(value);
    const known = findKnown(event, value, kind);
    const item = known ?? add(kind, event, asText(value.id));
    if (item.id === "") item.id = asText(value.id);
    item.isAdded = true;
    return item;
  }

  function findKnown(event: Record<string, unknown>, value: Record<string, unknown>, kind: Kind): OpenItem | undefined {
    const id = asText(value.id);
    const { output_index } = event;
    const isPlaced = typeof output_index === "number";
    const isDone = event.type === "response.output_item.done";
    const placed = isPlaced ? byPlace.get(output_index) : undefined;
    if (placed && isSame(placed, kind, value) && (isDone || !placed.isAdded || placed.id === id)) return placed;
    // An item that is added at a place of its own is another one, whatever its id.
    if (isPlaced && !isDone) return undefined;
    const named = id === "" ? undefined : items.find((item) => item.id === id && isSame(item, kind, value));
    const last = newest.get(kind);
    const isUnplaced = !isPlaced || placed !== undefined;
    return named ?? (isDone && isUnplaced && last && isSame(last, kind, value) ? last : undefined);
  }

  function update(item: OpenItem, value: Record<string, unknown>, isWhole: boolean): void {
    if (item.call !== null) {
      item.call_id ||= asText(value.call_id);
      calls.name(item.call, item.call_id || asText(value.id), value.name);
      if (isWhole) calls.finish(item, value.arguments, value.name);
    } else if (item.kind === "message") {
      item.phase = readPhase(value.phase) ?? item.phase;
    } else if (item.kind === "reasoning" && isWhole) {
      const kept = readReasoning(value);
      if (kept !== null && item.reasoning === null) count(kept.encrypted_content.length);
      item.reasoning = kept ?? item.reasoning;
    }
  }

  /** By their ids first: an item that nothing has streamed of would else take the place of the next of its kind. */
  function match(values: Record<string, unknown>[]): [Record<string, unknown>, OpenItem][] {
    const left = [...items];
    const take = (found: OpenItem | undefined): OpenItem | undefined => {
      if (found) left.splice(left.indexOf(found), 1);
      return found;
    };
    const named = values.map((value) => take(left.find((item) => isNamed(item, value))));
    return values.map((value, at) => {
      const kind = kindOf(value);
      const known = named[at] ?? take(left.find((item) => isSame(item, kind, value)));
      return [value, known ?? add(kind, {}, asText(value.id))];
    });
  }

  function isNamed(item: OpenItem, value: Record<string, unknown>): boolean {
    const id = asText(value.id);
    const call_id = asText(value.call_id);
    const hasId = (call_id !== "" && item.call_id === call_id) || (id !== "" && item.id === id);
    return hasId && item.kind === kindOf(value);
  }

  function keep(item: OpenItem): KeptItem[] {
    if (item.call !== null) return [{ type: "function_call", name: item.call.name }];
    if (item.reasoning !== null) return [item.reasoning];
    if (item.kind !== "message" || item.length === 0) return [];
    const { phase, length } = item;
    return [{ type: "message", length: own.isMixed ? -1 : length, ...(phase === null ? {} : { phase }) }];
  }

  const own: Items = {
    find,
    open,
    update,
    match,
    isMixed: false,
    kept() {
      const kept: KeptItem[] = [];
      for (const item of items) {
        if (item.kind === "other") while (kept.at(-1)?.type === "reasoning") kept.pop();
        kept.push(...keep(item));
      }
      return kept;
    },
  };
  return own;
}

function kindOf({ type, role }: Record<string, unknown>): Kind {
  if (type === "message" || type === "reasoning" || type === "function_call") return type;
  return type === undefined && role === "assistant" ? "message" : "other";
}
