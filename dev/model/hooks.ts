// Hooks for tests: words in double brackets in a person's newest message ask for an exact reply or fault. They combine.
// A fault applies to every call for that message, unless it follows a [[then]] (then to the calls for that part) or is
// limited by [[times N]].
//
// Replies
//   [[say N]]               N tokens "word "
//   [[fill N]]              N bytes of text in pieces of a KiB: large and fast
//   [[text …]]              exactly this text
//   [[think N]]             N tokens of reasoning before everything else
//   [[tool NAME {json}]]    calls this tool; several hooks are several calls of one message. Once results exist the
//                           answer is "done: " with the first 200 characters of each
//   [[then]]                what follows is the next message: its calls are made once those before it have results
//   [[raw NAME text]]       calls this tool with this text as arguments, which need not be JSON
//   [[same id]]             all calls of the message have the same id
//   [[loop NAME {json}]]    makes this call for ever; without a name, view_tasks
//   [[echo]]                answers with the JSON of the roles and tools that it saw
// Faults
//   [[times N]]             only the first N times. The server counts by the message's words, which must be new
//   [[status N]] [[status N retry-after S]]   fails with this HTTP status
//   [[reset]]               the connection is reset before the headers
//   [[html]]                status 200 with an HTML page
//   [[cut after N]]         the connection is reset after N chunks
//   [[cut after N bytes]]   or after N bytes of the body
//   [[stall]] [[stall after N]]   the headers (and N chunks) are sent, then nothing
//   [[silent]]              not even the headers are sent
//   [[bad json]]            the second chunk is not JSON
//   [[empty]]               a choice without content
//   [[no end]]              neither finish reason nor [DONE]; the body ends normally
//   [[error]]               an error object in place of the finish reason
//   [[endless]]             after the first chunk, a line that never ends
//   [[comments N]]          N comments before everything else, one each 400 ms, as a busy server sends them
// Pace
//   [[pace N]]              N tokens a second for this answer
import type { Conversation } from "./conversation.ts";
import type { Faults, Reply, ReplyCall } from "./reply.ts";
import type { Message } from "./wire.ts";

// The largest text that a test requests is 2 MB. Hooks are near the beginning of a message, which bounds the search for
// them.
const MAX_TOKENS = 1_000_000;
const MAX_COUNT = 16_000_000;
const SEARCHED = 20_000;

interface HookedMessage {
  text: string;
  tokens: number;
  filler: number;
  calls: ReplyCall[];
  faults: Faults;
}

interface Hooks {
  /** One entry per message; `[[then]]` separates them. */
  messages: HookedMessage[];
  think: number;
  loop: ReplyCall | null;
  echo: boolean;
  same_id: boolean;
  pace: number | undefined;
  times: number | undefined;
}

const newMessage = (): HookedMessage => ({ text: "", tokens: 0, filler: 0, calls: [], faults: {} });

export function readHooks(conversation: Conversation, messages: Message[]): Reply | null {
  const found = findHooks(conversation.request.slice(0, SEARCHED));
  if (found.length === 0) return null;
  const hooks = found.reduce(addHook, {
    messages: [newMessage()],
    think: 0,
    loop: null,
    echo: false,
    same_id: false,
    pace: undefined,
    times: undefined,
  });
  const reply = play(hooks, conversation, messages);
  const reasoning = hooks.think > 0 ? "thought ".repeat(hooks.think) : undefined;
  return { reasoning, ...reply, faults: gatherFaults(hooks, conversation), tokens_per_second: hooks.pace };
}

function gatherFaults({ messages, times }: Hooks, { recent, request }: Conversation): Faults {
  const worked = recent.filter((turn) => turn.exchanges.length > 0).length;
  const faults = { ...messages[0]?.faults, ...messages[worked]?.faults };
  if (times === undefined || Object.keys(faults).length === 0) return faults;
  return { ...faults, times: { name: request, max: times } };
}

function play(hooks: Hooks, { recent }: Conversation, messages: Message[]): Reply {
  if (hooks.echo) return { text: describe(messages) };
  if (hooks.loop) return { text: "", calls: [hooks.loop] };
  const worked = recent.filter((turn) => turn.exchanges.length > 0);
  const message = hooks.messages[worked.length];
  const hasCalls = hooks.messages.some((each) => each.calls.length > 0);
  const isSilent = message && message.text === "" && message.tokens === 0 && message.filler === 0;
  if (!message || (hasCalls && message.calls.length === 0 && isSilent)) {
    const results = worked.flatMap((turn) => turn.exchanges.map((each) => each.result.text.slice(0, 200)));
    return { text: `done: ${results.join(" | ")}` };
  }
  const calls = message.calls.map((call) => (hooks.same_id ? { ...call, id: `call_same_${worked.length}` } : call));
  return { text: message.tokens + message.filler > 0 ? repeat(message) : message.text, calls };
}

function* repeat({ text, tokens, filler }: HookedMessage): Generator<string> {
  if (text !== "") yield text;
  for (let index = 0; index < tokens; index++) yield "word ";
  const piece = `${"0123456789abcde ".repeat(64).slice(0, -1)}\n`;
  for (let left = filler; left > 0; left -= piece.length) yield piece.slice(0, left);
}

function describe(messages: Message[]): string {
  return JSON.stringify(
    messages.map(({ role, text, calls }) => ({ role, length: text.length, calls: calls.map((call) => call.name) })),
  );
}

/** The content of all hooks. Arguments may contain brackets, so the end is searched for outside of JSON strings. */
function findHooks(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf("[["); at >= 0; at = text.indexOf("[[", at)) {
    const end = findEnd(text, at + 2);
    if (end < 0) return found;
    const inside = text.slice(at + 2, end);
    if (
      /^(?:say|fill|text|think|tool|then|raw|same id|loop|echo|pace|times)\b/.test(inside) ||
      /^(?:status|reset|html|cut|stall|silent|bad json|empty|no end|error|endless|comments)\b/.test(inside)
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
  const [, word = "", rest = ""] = /^(same id|bad json|no end|\w+)\s*([\s\S]*)$/.exec(inside) ?? [];
  const number = Math.min(Number(/\d+/.exec(rest)?.[0] ?? 0), MAX_COUNT);
  const current = hooks.messages.at(-1) ?? newMessage();
  if (word === "then") hooks.messages.push(newMessage());
  else if (word === "say") current.tokens += Math.min(number, MAX_TOKENS);
  else if (word === "fill") current.filler += number;
  else if (word === "text") current.text += rest;
  else if (word === "tool") current.calls.push(readCall(rest, "{}"));
  else if (word === "raw") current.calls.push(readCall(rest, ""));
  else if (word === "think") hooks.think = number;
  else if (word === "loop") hooks.loop = readCall(rest || "view_tasks", "{}");
  else if (word === "echo") hooks.echo = true;
  else if (word === "same id") hooks.same_id = true;
  else if (word === "pace") hooks.pace = number;
  else if (word === "times") hooks.times = number;
  else addFault(current.faults, word, rest, number);
  return hooks;
}

const switches = {
  silent: "silent",
  "bad json": "bad_json",
  empty: "empty",
  reset: "reset",
  html: "html",
  "no end": "no_end",
  error: "error",
  endless: "endless",
} as const satisfies Record<string, keyof Faults>;

function addFault(faults: Faults, word: string, rest: string, number: number): void {
  if (word === "status") {
    faults.status = number >= 400 && number <= 599 ? number : 500;
    const after = /retry-after\s+(\d+)/.exec(rest)?.[1];
    if (after !== undefined) faults.retry_after = Number(after);
  } else if (word === "cut" && /\bbytes$/.test(rest)) faults.cut_after_bytes = number;
  else if (word === "cut") faults.cut_after = number;
  else if (word === "stall") faults.stall_after = number;
  else if (word === "comments") faults.comments = number;
  else if (word in switches) faults[switches[word as keyof typeof switches]] = true;
}

function readCall(text: string, missing: string): ReplyCall {
  const [, name = "view_tasks", given = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  return { name, arguments: given.trim() || missing };
}
