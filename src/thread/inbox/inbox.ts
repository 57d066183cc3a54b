// The inbox: what comes in is checked against what is known, put in order and stored; only then a door answers. Nothing
// here waits between the last check and the write, so that two requests at once can't both win.
import { hashText, toHex } from "../../lib/hash.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { defaultAgent } from "../../protocol/agents/agent.ts";
import { chainOf } from "../../protocol/chain.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import { isEmptyContent } from "../../protocol/message.ts";
import { isTerminal, noUsage, type Run } from "../../protocol/run.ts";
import type { AcceptedRun, PinnedAgent, RunInput } from "../../protocol/thread.ts";
import { followFrom } from "../follow/followers.ts";
import { checkImages } from "../images.ts";
import { findRun, isoTime, type Life, transact } from "../life.ts";
import type { Ports } from "../ports.ts";
import { hasMessage, readMessagesBefore } from "../rows/messages.ts";
import { type RunRecord, readLastAgent } from "../rows/runs.ts";
import { storeNewRun } from "./enqueue.ts";
import { checkAnswers, hasExpired } from "./interrupts.ts";
import { addSteered, findSteered, readWaiting } from "./steering.ts";
import { nameThread } from "./thread-name.ts";

// A thread is one conversation; who queues more than this is a loop, not a person.
const LONGEST_QUEUE = 100;
// A life holds all that waits in memory, so a hundred of the longest messages would leave it none, and the next one neither.
const MOST_WAITING_CHARS = 8 * 1024 * 1024;
// Inputs are stored in order: one that waits for D1 holds up those behind it.
const AGENT_LIMIT_MS = 10_000;

/**
 * `attach`: a known `invocation_id` is that run, whatever the body says (AG-UI). Inputs are stored in the order in which
 * they came: what has to be awaited first takes longer for one than for another.
 */
export function acceptRun(life: Life, input: RunInput, attach: boolean): Promise<Result<AcceptedRun>> {
  const hashed = hashInput(input);
  // D1 may be silent for longer than the thread lives.
  const recall = (agent_id: string) => (life.removing ? null : readLastAgent(life.database.sql, agent_id));
  const found = findAgent(life.ports, input.user_id, input.agent_id ?? life.thread.agent_id, recall);
  // Until its turn comes nobody else listens for it.
  found.catch(ignore);
  const accepted = life.accepting.then(async () => {
    const hash = await hashed;
    // What waited behind another comes when nothing is left to look it up in.
    if (life.removing) return deleted(input);
    const repeated = findKnown(life, input, hash, attach);
    if (repeated) return repeated;
    return acceptNew(life, input, hash, findAsked(life, input)?.agent ?? (await found));
  });
  // A failure is its own request's; the next one goes on.
  life.accepting = accepted.then(ignore, ignore);
  return accepted;
}

function ignore(): void {}

function deleted({ thread_id }: RunInput): Result<never> {
  return fail("not_found", `The thread ${thread_id} was deleted.`);
}

function acceptNew(life: Life, input: RunInput, hash: string, agent: PinnedAgent | null): Result<AcceptedRun> {
  if (life.removing) return deleted(input);
  // Looked at once more, since it may have been waited for the agent.
  const asked = findAsked(life, input);
  const pinned = asked?.agent ?? agent;
  if (pinned === null) return fail("not_found", `The agent ${input.agent_id ?? life.thread.agent_id} does not exist.`);
  return storeInput(life, { ...input, model: input.model ?? asked?.run.model ?? null }, hash, pinned);
}

/**
 * The run that this input answers: it goes on with the agent, the version and the model that asked, unless the input names
 * another agent. What that one may not do without approval is not to be had by answering it.
 */
function findAsked(life: Life, { resume, agent_id, answers_nothing }: RunInput): RunRecord | null {
  const newest = life.newestStarted;
  const isBusy = [...life.live.values()].some(({ run }) => !isTerminal(run.status));
  if (newest?.run.status !== "interrupted" || isBusy) return null;
  if (agent_id !== null && agent_id !== newest.agent.agent_id) return null;
  const [interrupt, ...others] = newest.run.interrupts;
  const isQuestion = interrupt?.reason === "question" && others.length === 0;
  const isOpen = isQuestion && !hasExpired(interrupt, life.ports.clock.now());
  return resume !== null || (isOpen && answers_nothing !== true) ? newest : null;
}

/** Checks an input that would make its thread: a refused one leaves nothing behind. */
export async function checkFirstInput(ports: Ports, input: RunInput): Promise<Result<never> | null> {
  if (input.resume !== null) return fail("not_found", `The thread ${input.thread_id} does not exist.`);
  const says = input.messages.some(({ content }) => !isEmptyContent(content));
  if (!says) return fail("empty_message", "There is no message to answer.");
  const refused = checkImages(ports.images, input);
  if (refused !== null) return refused;
  const agent = await findAgent(ports, input.user_id, input.agent_id ?? DEFAULT_AGENT_ID);
  return agent === null ? fail("not_found", `The agent ${input.agent_id} does not exist.`) : null;
}

/**
 * D1 failing stops no run of the default agent. It is as this thread last knew it then, so that what a person must approve
 * stays so, and only a thread that knows nothing takes it for unchanged.
 */
async function findAgent(
  ports: Ports,
  user_id: string,
  agent_id: string,
  recall: (agent_id: string) => PinnedAgent | null = () => null,
): Promise<PinnedAgent | null> {
  try {
    return await withinTime(ports.clock, AGENT_LIMIT_MS, "D1", ports.readAgent(user_id, agent_id));
  } catch (error) {
    if (agent_id !== DEFAULT_AGENT_ID) throw error;
    const { version, config } = recall(agent_id) ?? defaultAgent;
    return { agent_id, version, config };
  }
}

function findKnown(life: Life, input: RunInput, hash: string, attach: boolean): Result<AcceptedRun> | null {
  const steered = findSteered(life, input.invocation_id);
  const record = findRun(life, steered?.run_id ?? input.invocation_id);
  if (record === null) return null;
  if (!attach && (steered?.hash ?? record.hash) !== hash) {
    return fail("idempotency_conflict", `The run ${input.invocation_id} was started with another body.`);
  }
  return succeed({ run: record.run, created: false });
}

function storeInput(life: Life, given: RunInput, hash: string, agent: PinnedAgent): Result<AcceptedRun> {
  const input = given.from_history === true ? withoutHistory(life, given) : given;
  const problem = checkInput(life, input);
  if (problem !== null) return problem;
  const waiting = [...life.live.values()].filter((record) => !isTerminal(record.run.status));
  const busy = waiting[0];
  if (busy !== undefined && input.on_busy === "reject") {
    return fail("busy", `The run ${busy.run.invocation_id} is ${busy.run.status}.`);
  }
  const full = checkRoom(
    [...waiting.map((record) => record.input), ...readWaiting(life).map((each) => each.input)],
    input,
  );
  if (full !== null) return full;
  if (busy?.run.status === "running" && input.on_busy === "steer" && input.resume === null) {
    transact(life, () => {
      nameThread(life, input);
      followFrom(life, input.follow);
      addSteered(life, input, hash, busy.run.invocation_id);
    });
    return succeed({ run: busy.run, created: false });
  }
  const { agent_id, version, config } = agent;
  const max_steps = input.max_steps ?? agent.max_steps;
  const record = newRecord(life, input, hash, { agent_id, version, config, ...(max_steps ? { max_steps } : {}) });
  transact(life, () => {
    nameThread(life, input);
    followFrom(life, input.follow);
    storeNewRun(life, record);
  });
  return succeed({ run: record.run, created: true });
}

/**
 * Null where there is room for one more beside those that wait. Alone, any input that a door lets in has it, and what
 * replaces those that wait is alone.
 */
function checkRoom(waiting: (RunInput | null)[], input: RunInput): Result<never> | null {
  if (input.on_busy === "replace") return null;
  if (waiting.length >= LONGEST_QUEUE) {
    return fail("rate_limited", `${LONGEST_QUEUE} runs and messages are waiting on this thread.`);
  }
  if (waiting.length === 0) return null;
  const chars = [...waiting, input].reduce((sum, each) => sum + (each === null ? 0 : sizeOf(each)), 0);
  if (chars <= MOST_WAITING_CHARS) return null;
  return fail("rate_limited", `${waiting.length} long runs and messages are waiting on this thread.`);
}

// Measured once: each input is counted with every one that comes after it.
const sizes = new WeakMap<RunInput, number>();

function sizeOf(input: RunInput): number {
  const size = sizes.get(input) ?? JSON.stringify(input).length;
  sizes.set(input, size);
  return size;
}

/** Ends in a problem where the input can't become a run of this thread. */
function checkInput(life: Life, input: RunInput): Result<never> | null {
  const answered = input.resume === null ? checkSaid(input) : checkAnswers(life, input.resume);
  const problem = answered ?? checkImages(life.ports.images, input);
  if (problem !== null) return problem;
  const isKnown = knownMessages(life);
  const ids = idsOf(input);
  const taken = ids.find((id, place) => ids.indexOf(id) < place || isKnown(id));
  return taken === undefined ? null : fail("already_exists", `The message ${taken} exists already.`);
}

function checkSaid({ messages, tool_results }: RunInput): Result<never> | null {
  const says = tool_results.length > 0 || messages.some(({ content }) => !isEmptyContent(content));
  return says ? null : fail("empty_message", "There is no message to answer.");
}

/** A client's whole history, cut to what is new: user messages with unknown ids after the last known one. */
function withoutHistory(life: Life, input: RunInput): RunInput {
  const isKnown = knownMessages(life);
  const lastKnown = input.messages.findLastIndex(({ message_id }) => isKnown(message_id));
  const pending = new Set(pendingCalls(life));
  return {
    ...input,
    messages: input.messages.slice(lastKnown + 1),
    // A client may hold a result twice; `delete` takes the first.
    tool_results: input.tool_results.filter(
      (result) => !isKnown(result.message_id) && pending.delete(result.tool_call_id),
    ),
  };
}

/** Calls of the newest assistant message that wait for the client: neither answered, nor a question to the person. */
export function pendingCalls(life: Life): string[] {
  const newest = life.newestStarted;
  const answered = new Set(newest?.run.interrupts.map(({ tool_call_id }) => tool_call_id));
  for (const { input } of life.live.values()) {
    for (const { tool_call_id } of input?.tool_results ?? []) answered.add(tool_call_id);
  }
  for (const row of readMessagesBefore(life.database.sql, life.thread, Number.MAX_SAFE_INTEGER, 50)) {
    if (row.type === "tool") answered.add((row.content as { tool_call_id: string }).tool_call_id);
    if (row.type !== "assistant") continue;
    const { tool_calls } = row.content as { tool_calls?: { id: string }[] };
    return (tool_calls ?? []).map(({ id }) => id).filter((id) => !answered.has(id));
  }
  return [];
}

/** Tells whether an id is a message's: of a row, or of one that waits to become a row. */
function knownMessages(life: Life): (message_id: string) => boolean {
  const inputs = [...life.live.values()].map(({ input }) => input);
  const steered = readWaiting(life).map(({ input }) => input);
  const waiting = new Set([...inputs, ...steered].flatMap((input) => (input === null ? [] : idsOf(input))));
  return (message_id) => waiting.has(message_id) || hasMessage(life.database.sql, message_id);
}

function idsOf({ messages, tool_results }: RunInput): string[] {
  return [...messages, ...tool_results].map(({ message_id }) => message_id);
}

/** A run that waits to start. */
export function newRecord(life: Life, input: RunInput, hash: string, agent: PinnedAgent): RunRecord {
  const { invocation_id, metadata, background } = input;
  const run: Run = {
    invocation_id,
    thread_id: life.thread.thread_id,
    project_id: life.thread.project_id,
    user_id: life.thread.user_id,
    agent_id: agent.agent_id,
    agent_version: agent.version,
    model: input.model ?? agent.config.model ?? life.ports.default_model,
    instance_id: null,
    status: "queued",
    attempt: 0,
    steps: 0,
    background,
    resumes: null,
    metadata,
    usage: noUsage,
    result: null,
    error: null,
    interrupts: [],
    ...chainOf(input.chain),
    created_at: isoTime(life),
    started_at: null,
    finished_at: null,
  };
  return {
    run,
    position: life.lastPosition + 1,
    released: false,
    startable: !background,
    hash,
    input,
    agent,
    start_seq: null,
    end_seq: null,
    lives: [],
    started_calls: [],
    verdict: null,
    version: 1,
  };
}

/** What makes a repeat the same: message, agent, model, steps, metadata and answers; not ids that doors mint. */
export async function hashInput(input: RunInput): Promise<string> {
  const { messages, tool_results, resume, agent_id, model, max_steps, metadata } = input;
  const told = {
    messages: messages.map(({ content }) => content),
    results: tool_results.map(({ tool_call_id, content }) => [tool_call_id, content]),
    resume,
    agent_id,
    model,
    max_steps,
    metadata,
  };
  return toHex(await hashText(JSON.stringify(told, sortedKeys)));
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
