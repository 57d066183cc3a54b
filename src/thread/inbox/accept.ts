// The inbox: an input is checked, put in order and stored; only then does the route answer. Nothing is awaited between
// the last check and the write, so two requests at once can't both win.
import { withinTime } from "../../lib/time-limit.ts";
import { defaultAgent } from "../../protocol/agents/agent.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { DEFAULT_AGENT_ID } from "../../protocol/ids.ts";
import { isEmptyContent } from "../../protocol/message.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { AcceptedRun, PinnedAgent, RunInput } from "../../protocol/thread.ts";
import { UnreadableRow } from "../../store/shapes/stored.ts";
import { notRaised } from "../caps/refusal.ts";
import { followFrom } from "../follow/followers.ts";
import { type Life, transact } from "../life.ts";
import type { Ports } from "../ports.ts";
import { type RunRecord, readLastAgent, readTakenRun } from "../rows/runs.ts";
import { storeSentIds } from "../rows/sent-ids.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { knownNetwork } from "../run/environment-notes.ts";
import { beginRun } from "../run/run-start.ts";
import { bringsResults, carryCaps, continueCaps, pinCaps } from "../usage/pinned.ts";
import { noSpending, type SharedCaps } from "../usage/state.ts";
import { checkCrowd, checkRoom, noteInputs } from "./admission.ts";
import { newRecord, storeNewRun } from "./enqueue.ts";
import { idsOf, isLongHistory, knownMessages, nameMessages, withoutHistory } from "./history.ts";
import { checkImages } from "./images.ts";
import { hashInput } from "./input-hash.ts";
import { checkAnswers, hasExpired, readRaise } from "./interrupts.ts";
import { addSteered, findSteered, readWaiting } from "./steering.ts";
import { checkSuperseding, chooseId } from "./superseding.ts";
import { nameThread } from "./thread-name.ts";

/** The agent's version that a run would be pinned to, with the caps over many threads. */
type StartingPinned = PinnedAgent & { caps?: SharedCaps };

// Short, since inputs are stored in order: one that waits for D1 holds up those behind it.
const AGENT_LIMIT_MS = 10_000;

/**
 * `attach`: a known `invocation_id` is that run, whatever the body says (AG-UI). Inputs are stored in the order of
 * their arrival, although the hash and the agent take longer for some than for others.
 */
export function acceptRun(life: Life, given: RunInput, attach: boolean): Promise<Result<AcceptedRun>> {
  const hashed = hashInput(given);
  // The thread may be deleted before D1 answers.
  const recall = (agent_id: string) => (life.removing ? null : recallAgent(life, agent_id));
  const found = findAgent(life.ports, given, given.agent_id ?? life.thread.agent_id, life.thread.project_id, recall);
  // Nobody else handles a rejection before the input's turn.
  found.catch(ignore);
  const accepted = life.accepting.then(async () => {
    const hash = await hashed;
    const input = { ...nameMessages(given), invocation_id: await chooseId(life, given, hash) };
    // While this input waited for its turn, the thread's tables may have been dropped.
    if (life.removing) return deleted(input);
    const repeated = findKnown(life, input, hash, attach);
    if (repeated) return repeated;
    const asked = findAnsweredRun(life, input);
    if (asked === null) return acceptNew(life, input, hash, await found);
    return acceptNew(life, input, hash, { ...asked.agent, caps: await readSharedCaps(life, input, asked, found) });
  });
  // A failure concerns its own request only; the next one continues.
  life.arriving += 1;
  life.accepting = accepted.then(ignore, ignore).then(() => {
    life.arriving -= 1;
  });
  return accepted;
}

function ignore(): void {}

/**
 * The caps over many threads as they are now, for a run that keeps the agent of the one that it answers. While D1 is
 * away they are that run's. The default agent is read where the other was deleted.
 */
async function readSharedCaps(
  { ports, thread }: Life,
  { user_id }: RunInput,
  asked: RunRecord,
  found: Promise<StartingPinned | null>,
): Promise<SharedCaps> {
  const old: SharedCaps = { ...asked.spending.shared, is_old: true };
  try {
    const agent = (await found) ?? (await findAgent(ports, { user_id }, DEFAULT_AGENT_ID, thread.project_id));
    return agent?.caps === undefined || agent.caps.is_old ? old : agent.caps;
  } catch {
    return old;
  }
}

function deleted({ thread_id }: RunInput): Result<never> {
  return fail("not_found", `The thread ${thread_id} was deleted.`);
}

/** What the thread last knew of its agent, and of the caps over many threads. */
function recallAgent(life: Life, agent_id: string): StartingPinned | null {
  const agent = readLastAgent(life.database.sql, agent_id);
  const newest = [...life.live.values()].at(-1) ?? life.newestStarted;
  return agent === null ? null : { ...agent, caps: newest?.spending.shared ?? noSpending.shared };
}

function acceptNew(life: Life, input: RunInput, hash: string, agent: StartingPinned | null): Result<AcceptedRun> {
  if (life.removing) return deleted(input);
  // Looked up again, since the agent may have been awaited meanwhile.
  const asked = findAnsweredRun(life, input);
  const pinned = asked?.agent ?? agent;
  if (pinned === null) return fail("not_found", `The agent ${input.agent_id ?? life.thread.agent_id} does not exist.`);
  const named = { ...input, model: input.model ?? asked?.run.model ?? null };
  return storeInput(life, named, hash, { ...pinned, ...(agent?.caps && { caps: agent.caps }) }, asked);
}

/**
 * The run that this input answers. The new run keeps the agent, version and model that asked, unless the input names
 * another agent, so an answer can't get around what that agent needs approval for.
 */
function findAnsweredRun(life: Life, { resume, agent_id, answers_nothing, supersede }: RunInput): RunRecord | null {
  if (supersede !== undefined) return null;
  const newest = life.newestStarted;
  const isBusy = [...life.live.values()].some(({ run }) => !isTerminal(run.status));
  if (newest?.run.status !== "interrupted" || isBusy) return null;
  if (agent_id !== null && agent_id !== newest.agent.agent_id) return null;
  const [interrupt, ...others] = newest.run.interrupts;
  const isQuestion = interrupt?.reason === "question" && others.length === 0;
  const isOpen = isQuestion && !hasExpired(interrupt, life.ports.clock.now());
  return resume !== null || (isOpen && answers_nothing !== true) ? newest : null;
}

/** Checks an input that would create its thread, so a refused one leaves nothing behind. */
export async function checkFirstInput(ports: Ports, input: RunInput): Promise<Result<never> | null> {
  if (input.resume !== null || input.supersede !== undefined)
    return fail("not_found", `The thread ${input.thread_id} does not exist.`);
  const says = input.messages.some(({ content }) => !isEmptyContent(content));
  if (!says) return fail("empty_message", "There is no message to answer.");
  const refused = checkImages(ports.images, input);
  if (refused !== null) return refused;
  const agent = await findAgent(ports, input, input.agent_id ?? DEFAULT_AGENT_ID, null);
  return agent === null ? fail("not_found", `The agent ${input.agent_id} does not exist.`) : null;
}

/**
 * A failure of D1 stops no run of the default agent. The thread then uses the version that it last knew, so calls that
 * need approval still need it. Only a thread that knows none uses the unchanged default.
 */
async function findAgent(
  ports: Ports,
  { user_id }: Pick<RunInput, "user_id">,
  agent_id: string,
  project_id: string | null,
  recall: (agent_id: string) => StartingPinned | null = () => null,
): Promise<StartingPinned | null> {
  try {
    const read = ports.readAgent(user_id, agent_id, project_id);
    return read instanceof Promise ? await withinTime(ports.clock, AGENT_LIMIT_MS, "D1", read) : read;
  } catch (error) {
    if (agent_id !== DEFAULT_AGENT_ID || error instanceof UnreadableRow) throw error;
    const { version, config, caps }: StartingPinned = recall(agent_id) ?? defaultAgent;
    return { agent_id, version, config, caps: { ...(caps ?? noSpending.shared), is_old: true } };
  }
}

function findKnown(life: Life, input: RunInput, hash: string, attach: boolean): Result<AcceptedRun> | null {
  const steered = findSteered(life, input.invocation_id);
  const id = steered?.run_id ?? input.invocation_id;
  const record = life.live.get(id) ?? readTakenRun(life.database.sql, id);
  if (record === null && steered === null) return null;
  if (record === null || record === "damaged")
    return fail("idempotency_conflict", `The run ${input.invocation_id} is damaged. Use another id.`);
  if (!attach && (steered?.hash ?? record.hash) !== hash) {
    return fail("idempotency_conflict", `The run ${input.invocation_id} was started with another body.`);
  }
  return succeed({ run: record.run, created: false });
}

function storeInput(
  life: Life,
  given: RunInput,
  hash: string,
  agent: StartingPinned,
  asked: RunRecord | null,
): Result<AcceptedRun> {
  const cut = given.from_history === true ? withoutHistory(life, given) : checkSuperseding(life, given);
  if (!cut.ok) return cut;
  const { sent_ids = [], unnamed_messages = false, ...input } = cut.value;
  const problem = checkInput(life, input, unnamed_messages) ?? checkCrowd(input);
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
  const pinned = { agent_id, version, config, ...(max_steps ? { max_steps } : {}) };
  // An answer may name another agent: what it says of the caps holds all the same.
  const answered = asked ?? (input.resume === null ? null : life.newestStarted);
  const raise = answered === null ? null : readRaise(answered, input.resume);
  const raised = raise?.approved ? raise.caps : null;
  const shared = agent.caps ?? noSpending.shared;
  const caller = answered ?? findCaller(life, input);
  let spending = caller === null ? pinCaps(input, config, shared) : carryCaps(input, config, caller, shared, raised);
  if (asked !== null) spending = continueCaps(input, asked, raised, agent.caps);
  const record = newRecord(life, input, hash, pinned, spending);
  // It ends in its turn and with its events, and calls no model.
  if (raise?.approved === false) record.requested_end = refuseRaise(answered);
  const network = canBegin(life, record) ? knownNetwork(life, record) : undefined;
  transact(life, () => {
    nameThread(life, input);
    followFrom(life, input.follow);
    if (network !== undefined) {
      beginRun(life, record, network);
      life.begun = record;
    }
    storeNewRun(life, record);
    storeSentIds(life.database.sql, new Set([input.invocation_id, ...idsOf(input)]), sent_ids);
  });
  noteInputs(life);
  return succeed({ run: record.run, created: true });
}

/**
 * Whether the run starts in the transaction that accepts it, which saves one. A follower shows a run from before its
 * start.
 */
function canBegin({ live, active, place }: Life, { input, requested_end }: RunRecord): boolean {
  if (input === null || input.background || requested_end !== null || isLongHistory(input)) return false;
  return live.size === 0 && active === null && place === null && input.follow === undefined;
}

/**
 * The run that these results of the client's tools go on from: the last one before them, however it ended. A client may
 * send each result by itself, while the run with the first one is at work. With a person's message something new begins.
 */
function findCaller({ live, newestStarted }: Life, input: RunInput): RunRecord | null {
  if (!bringsResults(input)) return null;
  return [...live.values()].at(-1) ?? newestStarted;
}

function refuseRaise(asked: RunRecord | null): RequestedEnd {
  const cap = asked?.spending.asks ?? null;
  const message = "The cap was reached, and nobody raised it.";
  return { status: "failed", error: cap === null ? { code: "budget", message } : notRaised(cap) };
}

/** Null if the input can become a run of this thread. `isNamed`: by this object, a moment ago. */
function checkInput(life: Life, input: RunInput, isNamed: boolean): Result<never> | null {
  const answered = input.resume === null ? checkSaid(input) : checkAnswers(life, input.resume);
  const problem = (isAskedAgain(input) ? null : answered) ?? checkImages(life.ports.images, input);
  if (problem !== null) return problem;
  const ids = idsOf(isNamed ? { ...input, messages: [] } : input);
  // Of a history, what is known was cut off.
  const isKnown = knownMessages(life, input.from_history === true ? [] : ids);
  // A message that is edited may keep its id.
  const free = input.supersede?.replaces === true ? input.supersede.message_id : null;
  const seen = new Set<string>();
  const taken = ids.find((id) => seen.size === seen.add(id).size || (id !== free && isKnown(id)));
  return taken === undefined ? null : fail("already_exists", `The message ${taken} exists already.`);
}

/** A turn that is asked again says nothing new. */
function isAskedAgain({ supersede }: RunInput): boolean {
  return supersede?.replaces === false;
}

function checkSaid({ messages, tool_results }: RunInput): Result<never> | null {
  const says = tool_results.length > 0 || messages.some(({ content }) => !isEmptyContent(content));
  return says ? null : fail("empty_message", "There is no message to answer.");
}
