// Hooks for tests: words in double brackets in a person's newest message make the model behave in an exact way. They
// combine. The model is stateless, so a fault happens to every call for that message; to fail once, give `startModel` an
// `intercept`.
//
// What is said
//   [[say N]]               N tokens "word "
//   [[text …]]              exactly this text
//   [[think N]]             N tokens of reasoning before everything else
//   [[tool NAME {json}]]    calls this tool; several hooks are several calls of one message. Once results exist the answer
//                           is "done: " with the first 200 characters of each
//   [[then]]                what follows is the next message: the calls after it are made once those before have results
//   [[raw NAME text]]       calls this tool with arguments that are this text and need not be JSON
//   [[same id]]             all calls of the message have the same id
//   [[loop NAME {json}]]    makes this call for ever; without a name, view_tasks
//   [[echo]]                answers with the JSON of the roles and tools that it saw
// What goes wrong
//   [[status N]] [[status N retry-after S]]   fails with this HTTP status
//   [[cut after N]]         the connection is destroyed after N chunks
//   [[stall]] [[stall after N]]   the head (and N chunks) are sent, then nothing
//   [[silent]]              not even a head is sent
//   [[bad json]]            the second chunk is not JSON
//   [[empty]]               a choice without content
// How fast
//   [[pace N]]              N tokens a second for this answer
import type { Conversation } from "./conversation.ts";
import type { Faults, Reply, ReplyCall } from "./reply.ts";
import type { Message } from "./wire.ts";

// The largest text that a test asks for is 2 MB; hooks stand early in a message, which bounds the search for them.
const MOST_TOKENS = 1_000_000;
const SEARCHED = 20_000;

interface Hooks {
  /** One entry per message, between `[[then]]`s. */
  messages: { text: string; tokens: number; calls: ReplyCall[] }[];
  think: number;
  loop: ReplyCall | null;
  echo: boolean;
  same_id: boolean;
  pace: number | undefined;
  faults: Faults;
}

export function readHooks(conversation: Conversation, messages: Message[]): Reply | null {
  const found = findHooks(conversation.request.slice(0, SEARCHED));
  if (found.length === 0) return null;
  const hooks = found.reduce(addHook, {
    messages: [{ text: "", tokens: 0, calls: [] }],
    think: 0,
    loop: null,
    echo: false,
    same_id: false,
    pace: undefined,
    faults: {},
  });
  const reply = play(hooks, conversation, messages);
  const shared = { faults: hooks.faults, tokens_per_second: hooks.pace };
  const reasoning = hooks.think > 0 ? "thought ".repeat(hooks.think) : undefined;
  return { reasoning, ...reply, ...shared };
}

function play(hooks: Hooks, { recent }: Conversation, messages: Message[]): Reply {
  if (hooks.echo) return { text: describe(messages) };
  if (hooks.loop) return { text: "", calls: [hooks.loop] };
  const worked = recent.filter((turn) => turn.exchanges.length > 0);
  const message = hooks.messages[worked.length];
  const hasCalls = hooks.messages.some((each) => each.calls.length > 0);
  if (!message || (hasCalls && message.calls.length === 0 && message.text === "" && message.tokens === 0)) {
    const results = worked.flatMap((turn) => turn.exchanges.map((each) => each.result.text.slice(0, 200)));
    return { text: `done: ${results.join(" | ")}` };
  }
  const calls = message.calls.map((call) => (hooks.same_id ? { ...call, id: `call_same_${worked.length}` } : call));
  return { text: message.tokens > 0 ? repeat(message.text, message.tokens) : message.text, calls };
}

function* repeat(text: string, count: number): Generator<string> {
  if (text !== "") yield text;
  for (let index = 0; index < count; index++) yield "word ";
}

function describe(messages: Message[]): string {
  return JSON.stringify(
    messages.map(({ role, text, calls }) => ({ role, length: text.length, calls: calls.map((call) => call.name) })),
  );
}

/** The insides of all hooks. Arguments may hold brackets themselves, so the end is looked for outside of JSON strings. */
function findHooks(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf("[["); at >= 0; at = text.indexOf("[[", at)) {
    const end = findEnd(text, at + 2);
    if (end < 0) return found;
    const inside = text.slice(at + 2, end);
    if (
      /^(?:say|text|think|tool|then|raw|same id|loop|echo|status|cut|stall|silent|bad json|empty|pace)\b/.test(inside)
    )
      found.push(inside);
    at = end + 2;
  }
  return found;
}

function findEnd(text: string, from: number): number {
  let depth = 0;
  let isQuoted = false;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (depth === 0 && character === "]" && text[at + 1] === "]") return at;
    if (isQuoted && character === "\\") at++;
    else if (depth > 0 && character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && character === "{") depth++;
    else if (!isQuoted && character === "}") depth = Math.max(0, depth - 1);
  }
  return text.indexOf("]]", from);
}

function addHook(hooks: Hooks, inside: string): Hooks {
  const [, word = "", rest = ""] = /^(same id|bad json|\w+)\s*([\s\S]*)$/.exec(inside) ?? [];
  const number = Math.min(Number(/\d+/.exec(rest)?.[0] ?? 0), MOST_TOKENS);
  const current = hooks.messages.at(-1);
  if (word === "then") hooks.messages.push({ text: "", tokens: 0, calls: [] });
  else if (word === "say" && current) current.tokens += number;
  else if (word === "text" && current) current.text += rest;
  else if (word === "tool" && current) current.calls.push(readCall(rest, "{}"));
  else if (word === "raw" && current) current.calls.push(readCall(rest, ""));
  else if (word === "think") hooks.think = number;
  else if (word === "loop") hooks.loop = readCall(rest || "view_tasks", "{}");
  else if (word === "echo") hooks.echo = true;
  else if (word === "same id") hooks.same_id = true;
  else if (word === "pace") hooks.pace = number;
  else addFault(hooks.faults, word, rest, number);
  return hooks;
}

function addFault(faults: Faults, word: string, rest: string, number: number): void {
  if (word === "status") {
    faults.status = number >= 400 && number <= 599 ? number : 500;
    const after = /retry-after\s+(\d+)/.exec(rest)?.[1];
    if (after !== undefined) faults.retry_after = Number(after);
  } else if (word === "cut") faults.cut_after = number;
  else if (word === "stall") faults.stall_after = number;
  else if (word === "silent") faults.silent = true;
  else if (word === "bad json") faults.bad_json = true;
  else if (word === "empty") faults.empty = true;
}

function readCall(text: string, missing: string): ReplyCall {
  const [, name = "view_tasks", given = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  return { name, arguments: given.trim() || missing };
}
