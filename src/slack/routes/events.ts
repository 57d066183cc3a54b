// Receives Slack's events. Mentions and messages become runs, which are stored before Slack gets its answer. Slack
// sends an event again if the answer is late or a failure, and the repeat is the same run.
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { takeNotice } from "../../http/quotas/quotas.ts";
import { admitRun } from "../../http/quotas/runs.ts";
import type { Failure } from "../../protocol/error.ts";
import type { Quotas } from "../../protocol/money/quotas.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import { findOwnedWorkspace, findSlackWorkspace } from "../../store/slack-workspaces.ts";
import { callThread } from "../../thread/stub.ts";
import { readEventTarget, readSlackEvent, type SlackEvent, type SlackMessageEvent } from "../events.ts";
import { mentions, toContent } from "../message-text.ts";
import { requestedAt, toMessageRun } from "../run.ts";
import { type ConnectedWorkspace, openSlackWorkspace } from "../workspaces.ts";
import { sayDisabled } from "./disabled.ts";
import { disconnectUnasked } from "./disconnect.ts";
import { requireOwnApp } from "./own-app.ts";
import { answerInTime, continueInBackground, logIgnored, notifyPerson, readSigned, slackPorts } from "./requests.ts";
import { slackEvent } from "./schemas.ts";
import { acceptInLiving, type BoundThreads, createBoundThreads, findNextThread } from "./threads.ts";

type Outcome = "done" | "again";

/** No more runs than this wait on a thread. */
const NEWEST_RUNS = 100;
/** A message that a cancelled run had not taken becomes a run of its own. One more round checks that none is left. */
const STOP_ROUNDS = 3;

/** The suggestions that the assistant pane shows first. */
const prompts = [
  { title: "Build an online shop", message: "帮我做一个电商网站 (build me an online shop), and show me a link to it." },
  { title: "Plan a project", message: "Help me plan a project: ask me what you need to know, then write the plan." },
  { title: "Research a topic", message: "Research a topic for me and write a short report with sources." },
];

export function addSlackEvents(app: App): void {
  const bound = createBoundThreads();
  addOperation(
    app,
    {
      method: "post",
      path: "/integrations/slack/events",
      records: ["slack_workspace.disconnect"],
      tag: "Slack",
      open: true,
      summary: "Events of Slack",
      description: "Signed by Slack. A mention or a direct message starts a run; a 503 asks Slack to send it again.",
      takes: slackEvent,
      answers: {
        200: {
          description: "It is accepted or ignored. The text is the `challenge`, if it brought one.",
          text: "text/plain",
        },
      },
      problems: ["unauthorized", "forbidden", "bad_json", "invalid_field", "not_configured"],
    },
    async (context) => {
      const body = parseBody(await readSigned(context));
      const event = readSlackEvent(body);
      if (event === null) throw new Problem("invalid_field", "The body is not a Slack event.");
      if (event.kind === "challenge") return context.text(event.challenge);
      const { app_id, bot_user_id } = readEventTarget(body);
      requireOwnApp(context, app_id);
      const outcome = await answerInTime(context, handle(context, event, bot_user_id, bound), "again");
      return outcome === "done" ? context.text("") : context.body(null, 503, { "retry-after": "1" });
    },
  );
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("bad_json", "The body is not JSON.");
  }
}

async function handle(
  context: AppContext,
  event: Exclude<SlackEvent, { kind: "challenge" }>,
  bot_user_id: string | null,
  bound: BoundThreads,
): Promise<Outcome> {
  if (event.kind === "ignored") {
    // Logging every ignored message of bots and people would flood the log.
    if (event.reason === "app_rate_limited" || event.reason === "malformed") logIgnored(event.reason, event.team_id);
    return "done";
  }
  const found = await findOwnedWorkspace(context.env.DB, event.team_id);
  if (found === null) {
    logIgnored("unknown_workspace", event.team_id);
    return "done";
  }
  const { workspace, rest } = found;
  // Connected with another app's token: the settings named that app then.
  if (bot_user_id !== null && bot_user_id !== workspace.bot_user_id) {
    logIgnored("other_bot", event.team_id);
    return "done";
  }
  if (event.kind === "message") return await takeMessage(context, found, event.message, bound);
  if (rest !== null && event.kind !== "removed") return "done";
  if (event.kind === "stopped") return await takeStop(context, workspace, event);
  const opened = await openSlackWorkspace(slackPorts(context), event.team_id);
  if (!opened.ok && opened.error.code === "not_found") return "done";
  const { call } = unwrap(opened);
  if (event.kind === "removed") return await takeRemoval(context, workspace, call);
  const { channel: channel_id, thread_ts } = event;
  continueInBackground(context, call("assistant.threads.setSuggestedPrompts", { channel_id, thread_ts, prompts }));
  return "done";
}

async function takeMessage(
  context: AppContext,
  { workspace, quotas }: { workspace: SlackWorkspace; quotas: Quotas | null },
  message: SlackMessageEvent,
  bound: BoundThreads,
): Promise<Outcome> {
  const { bot_user_id, team_id, user_id, project_id } = workspace;
  if (message.user_id === bot_user_id) return "done";
  const content = toContent(message, bot_user_id);
  if (content === "") return "done";
  const begins = message.is_direct || message.is_mention || mentions(message.text, bot_user_id);
  if (!begins && message.thread_ts === null) return "done";
  const place = { team_id, channel: message.channel, thread_ts: message.thread_ts ?? message.ts };
  const admit = () => admitRun(context.env, { user_id, quotas });
  let refusal = begins ? await admit() : null;
  // A message to the bot starts a run in any thread. It needs the lookup only to choose a project or set a title.
  const isLookedUp = !begins || message.is_direct || project_id !== null;
  const found = isLookedUp && refusal === null ? await bound.find(context.env, user_id, place, message) : null;
  const isBound = found !== null;
  if (!begins && !isBound) return "done";
  if (!begins) refusal = await admit();
  const opened = await openSlackWorkspace(slackPorts(context), team_id, user_id);
  if (!opened.ok && opened.error.code === "not_found") return "done";
  const connected = unwrap(opened);
  if (connected.is_resting) {
    continueInBackground(context, sayDisabled(context, connected, message));
    return "done";
  }
  if (refusal !== null) return await refuseOnce(context, connected, message, refusal);
  const input = await toMessageRun(workspace, message, { content, origin: new URL(context.req.url).origin });
  const given = { input: found === null ? input : { ...input, thread_id: found }, place, begins };
  const accepted = await acceptInLiving(context.env, workspace, given, isBound);
  if (!accepted.ok) return await refuse(context, connected, message, accepted.error);
  await bound.add(user_id, place, accepted.value.run.thread_id);
  if (message.is_direct && !isBound && accepted.value.created) setTitle(context, connected, message, input.title);
  return "done";
}

/** Says it to a person in a channel once a minute, and asks Slack for no repeat: a person writes again. */
async function refuseOnce(
  context: AppContext,
  connected: ConnectedWorkspace,
  message: SlackMessageEvent,
  failure: Failure,
): Promise<Outcome> {
  const place = `slack/${connected.workspace.team_id}/${message.channel}/${message.user_id}`;
  return takeNotice(context.env, place) ? await refuse(context, connected, message, failure) : "done";
}

/** Handles a message that can't become a run, however often it is sent: notifies the person, and asks for no repeat. */
async function refuse(
  context: AppContext,
  { call }: ConnectedWorkspace,
  { channel, user_id, thread_ts }: SlackMessageEvent,
  { code, detail }: Failure,
): Promise<Outcome> {
  // Another event of the same message.
  if (code === "idempotency_conflict" || code === "already_exists") return "done";
  logIgnored(code, null);
  // Slack shows an ephemeral message in a thread to nobody while the thread has no reply.
  const place = { channel, user_id, ...(thread_ts !== null && { thread_ts }) };
  continueInBackground(context, notifyPerson(call, place, `This could not be taken: ${detail}`));
  return "done";
}

function setTitle(
  context: AppContext,
  { call }: ConnectedWorkspace,
  { channel: channel_id, thread_ts, ts }: SlackMessageEvent,
  title: string | null | undefined,
): void {
  if (!title) return;
  // Slack refuses this outside of the assistant pane, where conversations have no title.
  continueInBackground(context, call("assistant.threads.setTitle", { channel_id, thread_ts: thread_ts ?? ts, title }));
}

/** Ends the runs that were requested before the button was pressed. The event may arrive late, or again. */
async function takeStop(
  context: AppContext,
  { user_id, team_id }: SlackWorkspace,
  { channel, thread_ts, at }: Extract<SlackEvent, { kind: "stopped" }>,
): Promise<Outcome> {
  const thread_id = await findNextThread(context.env, user_id, { team_id, channel, thread_ts });
  if (thread_id === null) return "done";
  const key = { user_id, thread_id };
  const request = { limit: NEWEST_RUNS, cursor: null };
  for (let round = 0; round < STOP_ROUNDS; round++) {
    const runs = await callThread(context.env, key, (stub) => stub.readRuns(key, request));
    const meant = runs.ok ? runs.value.data.filter((run) => !isTerminal(run.status) && requestedAt(run) <= at) : [];
    if (meant.length === 0) break;
    const ends = meant.map(({ invocation_id: id }) => callThread(context.env, key, (stub) => stub.cancel(key, id)));
    await Promise.all(ends);
  }
  return "done";
}

/** An old event may arrive after the app was installed again. So this asks Slack whether the token is still valid. */
async function takeRemoval(
  context: AppContext,
  { user_id, team_id, updated_at }: SlackWorkspace,
  call: ConnectedWorkspace["call"],
): Promise<Outcome> {
  const answer = await call("auth.test", {});
  if (answer.kind === "done") return "done";
  if (answer.kind !== "refused") return "again";
  const isGone = await disconnectUnasked(context, { user_id, team_id, updated_at }, "app_removed");
  // If the workspace was changed meanwhile, it may have another token now.
  return isGone || (await findSlackWorkspace(context.env.DB, team_id)) === null ? "done" : "again";
}
