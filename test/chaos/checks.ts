// The checks of a finished run, however often its server was killed: nothing is missing and nothing is duplicate, in
// the object, in D1, in the sandbox, and for a client.

import { isDeepStrictEqual } from "node:util";
import { cutEnvironment } from "../../dev/model/environment.ts";
import type { StateValue } from "../../src/protocol/event.ts";
import type { Run } from "../../src/protocol/run.ts";
import { COMMANDS, outputs, texts } from "./script.ts";
import type { StoredMessage, StoredThread } from "./stored.ts";

export interface Violation {
  kind: "lost" | "doubled" | "wrong";
  run: string;
  what: string;
}

type Report = (kind: Violation["kind"], what: string) => void;

/** The events that a client received, and what the API returns at the end. */
export interface ClientView {
  heard: { messages: unknown[]; state: unknown };
  conversation: unknown[];
  run: Run;
  plan: { total_tasks: number; completed_tasks: number; next_task: unknown };
}

export function checkClientView({ heard, conversation, run, plan }: ClientView, attempt: number, report: Report): void {
  if (run.status !== "completed") report("lost", `the run is ${run.status}: ${JSON.stringify(run.error)}`);
  if (run.attempt !== attempt) report("wrong", `attempt is ${run.attempt}, and ${attempt} lives worked on it`);
  if (run.steps !== texts.length) report("wrong", `${run.steps} steps are counted, ${texts.length} were made`);
  if (plan.total_tasks !== 3 || plan.completed_tasks !== 3 || plan.next_task !== null) {
    report("lost", `the plan is not finished: ${JSON.stringify(plan)}`);
  }
  checkState(heard.state, report);
  if (isDeepStrictEqual(heard.messages, conversation)) return;
  const at = conversation.findIndex((message, place) => !isDeepStrictEqual(message, heard.messages[place]));
  const [found, received] = [conversation[at], heard.messages[at < 0 ? conversation.length : at]];
  const kind = heard.messages.length > conversation.length ? "doubled" : "lost";
  report(kind, `message ${at}: the reader heard ${JSON.stringify(received)}, the server has ${JSON.stringify(found)}`);
}

/** The reader's own copy of the state, built from its deltas. */
function checkState(state: unknown, report: Report): void {
  const { plan } = state as StateValue;
  const statuses = plan.sections.flatMap(({ tasks }) => tasks.map(({ status }) => status));
  if (!isDeepStrictEqual(statuses, ["completed", "completed", "completed"])) {
    report("wrong", `the reader has a plan with ${JSON.stringify(statuses)}`);
  }
}

/** `counters` holds the text of each counter file, by the command's number; null where there is none. */
export function checkStored(
  object: StoredThread,
  database: StoredThread,
  counters: (string | null)[],
  report: Report,
): void {
  checkOnce(object.messages, "the object", report);
  checkOnce(database.messages, "D1", report);
  checkCopies(object.messages, database.messages, report);
  checkCalls(object.messages, report);
  checkTexts(object.messages, report);
  checkOutputs(object.messages, report);
  for (let number = 1; number <= COMMANDS; number++) checkCounter(number, counters[number - 1] ?? null, report);
  if (!object.run?.released) report("lost", "the end of the run is not released");
  if (database.run?.status !== object.run?.status) report("lost", `D1 has the run as ${database.run?.status}`);
}

function checkOnce(messages: StoredMessage[], place: string, report: Report): void {
  const ids = new Set(messages.map(({ message_id }) => message_id));
  if (ids.size < messages.length) report("doubled", `${place} has a message twice`);
  const gap = messages.findIndex(({ seq }, index) => seq !== index + 1);
  if (gap >= 0) report("lost", `${place} has no message ${gap + 1}`);
}

function checkCopies(object: StoredMessage[], database: StoredMessage[], report: Report): void {
  const copies = new Map(database.map((message) => [message.message_id, message]));
  for (const message of object) {
    const copy = copies.get(message.message_id);
    copies.delete(message.message_id);
    if (copy === undefined) report("lost", `D1 lacks the message ${message.seq} (${message.type})`);
    else if (!isDeepStrictEqual(parse(copy), parse(message))) report("wrong", `D1 has another message ${message.seq}`);
  }
  for (const { seq } of copies.values()) report("doubled", `D1 has a message ${seq} that the object does not have`);
}

function parse({ seq, type, content, metadata }: StoredMessage): unknown {
  return [seq, type, JSON.parse(content), JSON.parse(metadata)];
}

function checkCalls(messages: StoredMessage[], report: Report): void {
  const answers = new Map<string, number>();
  const calls: string[] = [];
  for (const { type, content } of messages) {
    const message = JSON.parse(content) as { tool_call_id?: string; tool_calls?: { id: string }[]; content?: string };
    if (type === "assistant") calls.push(...(message.tool_calls ?? []).map(({ id }) => id));
    if (type !== "tool") continue;
    const id = message.tool_call_id ?? "";
    answers.set(id, (answers.get(id) ?? 0) + 1);
  }
  for (const id of calls) {
    const count = answers.get(id) ?? 0;
    answers.delete(id);
    if (count === 0) report("lost", `the call ${id} has no result`);
    if (count > 1) report("doubled", `the call ${id} has ${count} results`);
  }
  for (const id of answers.keys()) report("wrong", `there is a result for ${id}, which nobody called`);
}

function checkTexts(messages: StoredMessage[], report: Report): void {
  const said = messages
    .filter(({ type }) => type === "assistant")
    .map(({ content }) => (JSON.parse(content) as { content: string | null }).content);
  if (isDeepStrictEqual(said, texts)) return;
  report(said.length > texts.length ? "doubled" : "lost", `the assistant said ${JSON.stringify(said)}`);
}

/** However many lives a command spanned, the model got its complete output, and no plan tool failed. */
function checkOutputs(messages: StoredMessage[], report: Report): void {
  const results = messages
    .filter(({ type }) => type === "tool")
    .map(({ content, metadata }) => ({
      content: cutEnvironment("tool", (JSON.parse(content) as { content: string }).content),
      ...(JSON.parse(metadata) as { name: string; is_error: boolean }),
    }));
  const received = results.filter(({ name }) => name === "execute_command").map(({ content }) => content.trimEnd());
  const expected = outputs.map((output) => output.trimEnd());
  if (!isDeepStrictEqual(received, expected)) report("wrong", `the commands' results are ${JSON.stringify(received)}`);
  for (const { name, content, is_error } of results) {
    if (is_error && name.endsWith("_tasks")) report("wrong", `${name} failed: ${content}`);
  }
}

function checkCounter(number: number, text: string | null, report: Report): void {
  if (text === "begin\nend\n") return;
  const begun = text?.match(/begin/g)?.length ?? 0;
  report(begun > 1 ? "doubled" : "lost", `command ${number} left ${JSON.stringify(text)}`);
}
