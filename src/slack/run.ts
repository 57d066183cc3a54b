// Makes the thread's id and the run's input for a place in Slack. All ids are derived from where and when something was
// written or pressed. So it is one run of one thread, however many events Slack sends for it, and however often.
import { z } from "zod";
import { isRecord } from "../lib/is-record.ts";
import { derivedId } from "../protocol/ids.ts";
import type { Run } from "../protocol/run.ts";
import type { SlackPlace, SlackWorkspace } from "../protocol/slack.ts";
import { type InterruptAnswer, newRunInput, type RunInput } from "../protocol/thread.ts";
import { type SlackMessageEvent, slackId, slackTime } from "./events.ts";
import { toMessageTitle } from "./message-text.ts";
import type { GivenAnswer } from "./show/questions.ts";

/** Stored in the run's metadata: who requested it, and where. */
interface RunSource {
  team_id: string;
  channel: string;
  user_id: string;
  [more: string]: unknown;
}

/** A place is a thread of Slack, where conversations are held one after another. */
export type ThreadPlace = Pick<SlackPlace, "team_id" | "channel" | "thread_ts">;

/** The place's thread may have been deleted, as one in which nothing happened for long: then the next one is its thread. */
export function threadOfPlace(team_id: string, channel: string, thread_ts: string, number = 1): Promise<string> {
  const parts = ["thread", "slack", team_id, channel, thread_ts] as const;
  return number === 1 ? derivedId(...parts) : derivedId(...parts, String(number));
}

/** As many as a place may wear out in ten years of two months each, and few enough to look them up together. */
const MAX_THREADS_OF_PLACE = 60;

/** All ids that threads of the place may have, in their order. */
export function threadsOfPlace({ team_id, channel, thread_ts }: ThreadPlace): Promise<string[]> {
  const numbers = Array.from({ length: MAX_THREADS_OF_PLACE }, (_, place) => place + 1);
  return Promise.all(numbers.map((number) => threadOfPlace(team_id, channel, thread_ts, number)));
}

/** The run of a message. If a run is active, that one takes the message at its next step. */
export async function toMessageRun(
  workspace: SlackWorkspace,
  message: SlackMessageEvent,
  { content, origin }: { content: string; origin: string },
): Promise<RunInput> {
  const { team_id } = workspace;
  const { channel, ts, user_id } = message;
  const place = placeOf(team_id, message, origin);
  const input = await makeRun(workspace, place, {
    invocation_id: await derivedId("inv", "slack", team_id, channel, ts),
    messages: [{ message_id: await derivedId("msg", "slack", team_id, channel, ts), content }],
    source: { team_id, channel, user_id, ts },
  });
  return { ...input, title: toMessageTitle(message, workspace.bot_user_id) };
}

/** The run of a command. Its thread starts with a message of ours that announces the command. */
export async function toCommandRun(
  workspace: SlackWorkspace,
  place: SlackPlace,
  command: { trigger_id: string; content: string },
): Promise<RunInput> {
  const { team_id, channel, thread_ts: ts, recipient_user_id: user_id } = place;
  return makeRun(workspace, place, {
    invocation_id: await derivedId("inv", "slack-command", team_id, command.trigger_id),
    messages: [
      { message_id: await derivedId("msg", "slack-command", team_id, command.trigger_id), content: command.content },
    ],
    source: { team_id, channel, user_id, ts },
  });
}

/** The id of the run that answers what a run asked. There is only one, whoever answers and however often. */
export function idOfAnswer(asked_id: string): Promise<string> {
  return derivedId("inv", "slack-answer", asked_id);
}

export async function toAnswerRun(
  workspace: SlackWorkspace,
  place: SlackPlace,
  answer: { asked_id: string; resume: InterruptAnswer[]; answers: Record<string, GivenAnswer> },
): Promise<RunInput> {
  const { team_id, channel, recipient_user_id: user_id } = place;
  const input = await makeRun(workspace, place, {
    invocation_id: await idOfAnswer(answer.asked_id),
    messages: [],
    source: { team_id, channel, user_id, answers: answer.answers },
  });
  // No agent means the one that asked.
  return { ...input, resume: answer.resume, agent_id: null, on_busy: "enqueue", context: [] };
}

const givenAnswers = z.record(z.string(), z.object({ text: z.string(), by: slackId }));

/** Returns what such a run answered, from its metadata. */
export function readAnswered({ slack }: Record<string, unknown>): Map<string, GivenAnswer> {
  const read = givenAnswers.safeParse(isRecord(slack) ? slack.answers : null);
  return new Map(Object.entries(read.data ?? {}));
}

/** When the run was requested, in ms: by Slack's clock if a message or command requested it. */
export function requestedAt({ metadata, created_at }: Pick<Run, "metadata" | "created_at">): number {
  const ts = isRecord(metadata.slack) ? slackTime.safeParse(metadata.slack.ts).data : undefined;
  return ts === undefined ? Date.parse(created_at) : Number(ts) * 1000;
}

function placeOf(
  team_id: string,
  { channel, ts, thread_ts, user_id, user_team_id }: SlackMessageEvent,
  origin: string,
): SlackPlace {
  return {
    kind: "slack",
    team_id,
    channel,
    thread_ts: thread_ts ?? ts,
    recipient_user_id: user_id,
    recipient_team_id: user_team_id,
    newest_ts: ts,
    origin,
  };
}

async function makeRun(
  { user_id, agent_id, team_name, made_by }: SlackWorkspace,
  place: SlackPlace,
  run: Pick<RunInput, "invocation_id" | "messages"> & { source: RunSource },
): Promise<RunInput> {
  const { team_id, channel, thread_ts, recipient_user_id } = place;
  const where = `A thread of Slack, in channel ${channel} of the workspace ${JSON.stringify(team_name ?? team_id)}. User ${recipient_user_id} asks. Others may write too: a note in brackets at a message's end says who did, and what was attached. Replies are shown there as Markdown.`;
  return newRunInput({
    user_id,
    thread_id: await threadOfPlace(team_id, channel, thread_ts),
    invocation_id: run.invocation_id,
    messages: run.messages,
    agent_id,
    metadata: { slack: run.source },
    on_busy: "steer",
    // Its readers are in Slack, whatever its agent says.
    on_disconnect: "continue",
    context: [{ description: "Where this conversation takes place", value: where }],
    follow: place,
    // Whoever may write there came in through the key that connected the workspace.
    ...(typeof made_by === "string" && { key_id: made_by }),
  });
}
