// The inbox: what comes in is checked against what is known, put in order and stored; only then a route answers. Nothing
// here waits between the last check and the write, so that two requests at once can't both win.
import { withinTime } from "../../lib/time-limit.ts";
import { defaultAgent } from "../../protocol/agents/agent.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import { isEmptyContent } from "../../protocol/message.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { AcceptedRun, PinnedAgent, RunInput } from "../../protocol/thread.ts";
import { UnreadableRow } from "../../store/shapes/stored.ts";
import { followFrom } from "../follow/followers.ts";
import { findRun, type Life, transact } from "../life.ts";
import type { Ports } from "../ports.ts";
import { hasRun, type RunRecord, readLastAgent } from "../rows/runs.ts";
import { checkRoom } from "./admission.ts";
import { newRecord, storeNewRun } from "./enqueue.ts";
import { idsOf, knownMessages, withoutHistory } from "./history.ts";
import { checkImages } from "./images.ts";
import { hashInput } from "./input-hash.ts";
import { checkAnswers, hasExpired } from "./interrupts.ts";
import { addSteered, findSteered, readWaiting } from "./steering.ts";
import { nameThread } from "./thread-name.ts";

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
    if (agent_id !== DEFAULT_AGENT_ID || error instanceof UnreadableRow) throw error;
    const { version, config } = recall(agent_id) ?? defaultAgent;
    return { agent_id, version, config };
  }
}

function findKnown(life: Life, input: RunInput, hash: string, attach: boolean): Result<AcceptedRun> | null {
  const steered = findSteered(life, input.invocation_id);
  const record = findRun(life, steered?.run_id ?? input.invocation_id);
  if (record === null) {
    const isTaken = steered !== null || hasRun(life.database.sql, input.invocation_id);
    return isTaken ? fail("idempotency_conflict", `The run ${input.invocation_id} is damaged. Use another id.`) : null;
  }
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
