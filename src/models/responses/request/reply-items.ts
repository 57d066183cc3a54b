// Writes a reply of the history as items, in the order that they came in. Reasoning stands right before what it led to,
// and is left out without it: the server refuses it then. A message without extras is its text and its calls.
import type { ResponseFunctionToolCall, ResponseInputItem } from "openai/resources/responses/responses";
import type { AssistantMessage, ToolCall } from "../../../protocol/message.ts";
import { type CallIds, plainName } from "../../exchange/messages.ts";
import {
  type CallPlace,
  type KeptItem,
  MESSAGE_BREAK,
  type MessagePlace,
  type Phase,
  type ReasoningItem,
} from "../extras.ts";

export function writeReply(
  { content, tool_calls = [] }: AssistantMessage,
  kept: KeptItem[],
  ids: CallIds,
): ResponseInputItem[] {
  const messages = kept.filter((item) => item.type === "message");
  const texts = splitText(content ?? "", messages);
  const { placed, added } = placeCalls(tool_calls, kept, ids);
  const items: ResponseInputItem[] = [];
  let reasoning: ReasoningItem[] = [];

  function add(found: ResponseInputItem[]): void {
    if (found.length > 0) items.push(...reasoning.map(withId), ...found);
    reasoning = [];
  }

  if (messages.length === 0) add(toMessages(content ?? "", undefined));
  for (const item of kept) {
    if (item.type === "reasoning") reasoning.push(item);
    else if (item.type === "function_call") add(placed.get(item) ?? []);
    // Calls that were read out of the text stand where the text was.
    else add([...toMessages(texts.get(item) ?? "", item.phase), ...(item === messages.at(-1) ? added.splice(0) : [])]);
  }
  return [...items, ...added];
}

/** Some servers give their items no ids, and an empty one is refused. */
function withId(item: ReasoningItem): ResponseInputItem {
  const { id, ...rest } = item;
  return id === "" ? (rest as ReasoningItem) : item;
}

function toMessages(content: string, phase: Phase | undefined): ResponseInputItem[] {
  if (content === "") return [];
  return [{ type: "message", role: "assistant", content, ...(phase === undefined ? {} : { phase }) }];
}

/** The text of each message. A text that was changed after the reply is whole in the first one's place. */
function splitText(content: string, messages: MessagePlace[]): Map<MessagePlace, string> {
  const [first] = messages;
  const length = messages.reduce((sum, message) => sum + message.length + MESSAGE_BREAK.length, -MESSAGE_BREAK.length);
  if (first === undefined || length !== content.length) return new Map(first ? [[first, content]] : []);
  let start = 0;
  return new Map(
    messages.map((message) => {
      const text = content.slice(start, start + message.length);
      start += message.length + MESSAGE_BREAK.length;
      return [message, text];
    }),
  );
}

/** The call of each place: the nth of a name is the nth one. The others were read out of the text. */
function placeCalls(
  calls: readonly ToolCall[],
  kept: KeptItem[],
  ids: CallIds,
): { placed: Map<CallPlace, ResponseFunctionToolCall[]>; added: ResponseFunctionToolCall[] } {
  const places = kept.filter((item) => item.type === "function_call");
  const placed = new Map<CallPlace, ResponseFunctionToolCall[]>();
  const added: ResponseFunctionToolCall[] = [];
  for (const { id, function: called } of calls) {
    const item: ResponseFunctionToolCall = { type: "function_call", call_id: ids.ofCall(id, called.name), ...called };
    const place = places.find(({ name }) => plainName(name) === plainName(called.name));
    if (place === undefined) added.push(item);
    else {
      placed.set(place, [item]);
      places.splice(places.indexOf(place), 1);
    }
  }
  return { placed, added };
}
