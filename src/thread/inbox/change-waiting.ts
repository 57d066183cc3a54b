// Changes messages that wait, while no run has taken them. A message that a run has taken is part of the conversation:
// here it is not found. What was promised for its request stays: the ids of runs and messages, and the hash by which a
// repeat is known again.
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { newId } from "../../protocol/ids.ts";
import type { WaitingChange, WaitingMessage } from "../../protocol/inbox.ts";
import { isEmptyContent } from "../../protocol/message.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { type Life, storeRun, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { endUnstarted } from "../run/run-end.ts";
import { checkRoom } from "./admission.ts";
import { checkImages } from "./images.ts";
import { addSteered, changeSteered, readWaiting } from "./steering.ts";
import { listWaiting } from "./waiting.ts";

/** `record`: the run that waits with it; null if it is to steer the active run. */
type Found = { input: RunInput; record: RunRecord | null };

export async function changeWaiting(
  life: Life,
  message_id: string,
  { content, steers }: WaitingChange,
): Promise<Result<WaitingMessage>> {
  const found = findWaiting(life, message_id);
  if (found === null) return notWaiting(message_id);
  let { input } = found;
  if (content !== undefined) {
    const edit = (message: RunInput["messages"][number]) =>
      message.message_id === message_id ? { ...message, content } : message;
    input = { ...input, messages: input.messages.map(edit) };
    const problem = checkChanged(life, found, input);
    if (problem !== null) return problem;
  }
  const { record } = found;
  const active = steers && record !== null ? findSteerable(life, input) : null;
  if (active !== null && !active.ok) return active;
  let changed: WaitingMessage | undefined;
  const note = () => {
    changed = listWaiting(life).find((message) => message.message_id === message_id);
  };
  if (active !== null && record !== null) await steerInstead(life, record, input, active.value, note);
  else {
    if (input !== found.input) transact(life, () => store(life, { record, input }));
    note();
  }
  return changed === undefined ? notWaiting(message_id) : succeed(changed);
}

/** With its last message, a run that waits is cancelled. */
export async function removeWaiting(life: Life, message_id: string): Promise<Result<null>> {
  const found = findWaiting(life, message_id);
  if (found === null) return notWaiting(message_id);
  const { record } = found;
  const messages = found.input.messages.filter((message) => message.message_id !== message_id);
  const input = { ...found.input, messages };
  const isLast = messages.length === 0 && input.tool_results.length === 0 && input.resume === null;
  if (isLast && record !== null) await endUnstarted(life, record, { status: "cancelled" });
  else transact(life, () => store(life, { record, input }));
  return succeed(null);
}

/** A run that prepares its start has taken its messages. */
function findWaiting(life: Life, message_id: string): Found | null {
  const has = ({ messages }: RunInput): boolean => messages.some((message) => message.message_id === message_id);
  const steered = readWaiting(life).find(({ input }) => has(input));
  if (steered !== undefined) return { input: steered.input, record: null };
  for (const record of life.live.values()) {
    const { run, input, requested_end } = record;
    const waits = run.status === "queued" && requested_end === null && life.active?.record !== record;
    if (waits && input !== null && has(input)) return { input, record };
  }
  return null;
}

function notWaiting(message_id: string): Result<never> {
  return fail("not_found", `The message ${message_id} does not wait (any more).`);
}

function checkChanged(life: Life, found: Found, input: RunInput): Result<never> | null {
  const says = input.tool_results.length > 0 || input.messages.some(({ content }) => !isEmptyContent(content));
  if (!says) return fail("empty_message", "There is no message to answer.");
  const others = [...life.live.values()].filter((record) => record !== found.record && !isTerminal(record.run.status));
  const steered = readWaiting(life).filter(({ input: other }) => other.invocation_id !== found.input.invocation_id);
  return (
    checkImages(life.ports.images, input) ??
    checkRoom([...others.map((record) => record.input), ...steered.map((each) => each.input)], input)
  );
}

/** The run that works, if this input may join it: a message alone, which answers nothing and replaces nothing. */
function findSteerable(life: Life, { resume, tool_results, messages, supersede }: RunInput): Result<RunRecord> {
  const running = [...life.live.values()].find(({ run }) => run.status === "running");
  if (running === undefined) return fail("invalid_operation", "No run works that could read the message now.");
  if (resume !== null || tool_results.length > 0 || messages.length !== 1 || supersede !== undefined)
    return fail("invalid_operation", "Only a single message can join the run that works.");
  return succeed(running);
}

/**
 * The run that it would have begun ends as cancelled, in the transaction that makes it a steering message. One that comes
 * too late to steer begins another run, under another id. `note` is called before the active run may take it: the end of
 * the other one waits for D1.
 */
async function steerInstead(
  life: Life,
  record: RunRecord,
  input: RunInput,
  active: RunRecord,
  note: () => void,
): Promise<void> {
  const steering: RunInput = { ...input, invocation_id: newId("inv"), on_busy: "steer", background: false };
  const { hash } = record;
  await endUnstarted(life, record, { status: "cancelled" }, () => {
    addSteered(life, steering, hash, active.run.invocation_id);
    note();
  });
}

/** Inside a transaction. */
function store(life: Life, { record, input }: Found): void {
  if (record === null) changeSteered(life, input);
  else {
    record.input = input;
    storeRun(life, record, { input: true });
  }
}
