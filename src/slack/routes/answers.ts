// Handles a person's answer in Slack to what a run asked. A run's questions are answered together, so each answer is
// kept in the message until the last one arrives. Then one run answers them, whoever answers and however often, because
// its id is derived from the run that asked.
import type { Env } from "../../config.ts";
import { auditAnswers } from "../../http/audit/approvals.ts";
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { cutEnd } from "../../lib/truncate.ts";
import type { Interrupt } from "../../protocol/run.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import { callThread } from "../../thread/stub.ts";
import type { PressedPlace } from "../interactions.ts";
import { idOfAnswer, readAnswered, toAnswerRun } from "../run.ts";
import {
  type AskedRun,
  askQuestions,
  canKeep,
  closeQuestions,
  type GivenAnswer,
  readAnswers,
  readLink,
  toResume,
} from "../show/questions.ts";
import type { ConnectedWorkspace } from "../workspaces.ts";

export type AnswerOutcome =
  /** The run continues, or the answer waits in the message for the others. */
  | { kind: "taken" }
  /** Another answer came first, or the question is closed. `by` is the Slack user who closed it, if known. */
  | { kind: "late"; by: string | null }
  | { kind: "refused"; detail: string };

/** A run that asked, and the message that shows its questions. */
export interface Asked {
  run: AskedRun;
  key: ThreadKey;
  connected: ConnectedWorkspace;
  place: PressedPlace;
  /** The origin of this server's web page. */
  origin: string;
  /** The message's blocks as Slack has them. */
  blocks: unknown[];
}

/** How much of an answer the run's metadata keeps. Whoever answers too late is shown this. */
const KEPT_CHARACTERS = 200;

/** Returns null if the run does not exist or waits for no answer. */
export async function findAsked(
  { env, req }: Pick<AppContext, "env" | "req">,
  connected: ConnectedWorkspace,
  place: PressedPlace,
  ids: { thread_id: string; invocation_id: string },
  blocks: unknown[],
): Promise<Asked | null> {
  const key = { user_id: connected.workspace.user_id, thread_id: ids.thread_id };
  const found = await callThread(env, key, (stub) => stub.getRun(key, ids.invocation_id));
  if (!found.ok || found.value.status !== "interrupted") return null;
  const run = { ...ids, interrupts: found.value.interrupts, web_url: readLink(blocks) };
  return { run, key, connected, place, origin: new URL(req.url).origin, blocks };
}

/** Returns the same with the message as it is now. */
export function withBlocks(asked: Asked, blocks: unknown[]): Asked {
  return { ...asked, run: { ...asked.run, web_url: readLink(blocks) }, blocks };
}

/** Takes an answer. The message in Slack is updated once without a retry, because a later click updates it too. */
export async function giveAnswer(
  context: AppContext,
  asked: Asked,
  interrupt: Interrupt,
  text: string,
): Promise<AnswerOutcome> {
  const { env } = context;
  const { run, blocks, place } = asked;
  const given = { text, by: place.user_id };
  const answers = readAnswers(run, blocks).set(interrupt.id, given);
  const resume = toResume(run, answers);
  if (resume === null) {
    const closed = await findClosed(env, asked);
    if (closed !== null) return await showLate(asked, closed);
    if (!canKeep(run, interrupt, given)) {
      return { kind: "refused", detail: "This is too long while other questions are open. Make it shorter." };
    }
    await show(asked, askQuestions(run, answers));
    return { kind: "taken" };
  }
  return await resumeRun(context, asked, answers, resume);
}

/** Opens an answered question again, unless all questions have been answered meanwhile. */
export async function takeBack(env: Env, asked: Asked, interrupt: Interrupt): Promise<AnswerOutcome> {
  const closed = await findClosed(env, asked);
  if (closed !== null) return await showLate(asked, closed);
  const answers = readAnswers(asked.run, asked.blocks);
  answers.delete(interrupt.id);
  await show(asked, askQuestions(asked.run, answers));
  return { kind: "taken" };
}

async function resumeRun(
  context: AppContext,
  asked: Asked,
  answers: Map<string, GivenAnswer>,
  resume: NonNullable<ReturnType<typeof toResume>>,
): Promise<AnswerOutcome> {
  const { env } = context;
  const { run, key, connected, place } = asked;
  const { team_id, channel, thread_ts, user_id, user_team_id } = place;
  const answer = await toAnswerRun(
    connected.workspace,
    {
      kind: "slack",
      team_id,
      channel,
      thread_ts,
      recipient_user_id: user_id,
      recipient_team_id: user_team_id,
      newest_ts: place.ts,
      origin: asked.origin,
    },
    {
      asked_id: run.invocation_id,
      resume,
      answers: Object.fromEntries(
        Array.from(answers, ([id, { text, by }]) => [id, { text: cutEnd(text, KEPT_CHARACTERS), by }]),
      ),
    },
  );
  // The place may have had other threads before.
  const input = { ...answer, thread_id: run.thread_id };
  const slack = (id: string) => ({ type: "slack" as const, team_id, slack_user_id: answers.get(id)?.by ?? user_id });
  const accepted = await auditAnswers(
    context,
    { user_id: key.user_id, run },
    resume,
    async (notes) => {
      const accepted = await callThread(env, key, (stub) => stub.accept(input));
      if (!accepted.ok) notes.refused = accepted.error.code;
      else if (!accepted.value.created) notes.details = { repeated: true };
      return accepted;
    },
    slack,
  ).catch((error: unknown) => {
    if (error instanceof Problem) return { ok: false as const, error: error.failure };
    throw error;
  });
  if (accepted.ok) {
    await show(asked, closeQuestions(run, answers));
    return { kind: "taken" };
  }
  const { code, detail } = accepted.error;
  if (code === "interrupt_answered" || code === "idempotency_conflict" || code === "not_found") {
    return await showLate(asked, (await findClosed(env, asked)) ?? new Map());
  }
  return { kind: "refused", detail };
}

/** Returns what was answered in Slack before; null if nothing was. */
async function findClosed(env: Env, { run, key }: Asked): Promise<Map<string, GivenAnswer> | null> {
  const id = await idOfAnswer(run.invocation_id);
  const found = await callThread(env, key, (stub) => stub.getRun(key, id));
  return found.ok ? readAnswered(found.value.metadata) : null;
}

async function showLate(asked: Asked, answers: Map<string, GivenAnswer>): Promise<AnswerOutcome> {
  await show(asked, closeQuestions(asked.run, answers));
  return { kind: "late", by: [...answers.values()].at(-1)?.by ?? null };
}

async function show({ connected, place }: Asked, message: { text: string; blocks: unknown[] }): Promise<void> {
  await connected.call("chat.update", { channel: place.channel, ts: place.ts, ...message });
}
