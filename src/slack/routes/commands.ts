// The slash command. A command has no thread in Slack, so a message of ours starts one: it says who asked for what, and
// the run is shown below it.
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { admitRun } from "../../http/quotas/runs.ts";
import { hashText, toHex } from "../../lib/hash.ts";
import type { Failure } from "../../protocol/error.ts";
import { claimTicket } from "../../store/tickets.ts";
import type { SlackAnswer } from "../api.ts";
import { announceCommand, explainCommand, readCommand, replyPrivately, type SlackCommand } from "../commands.ts";
import { toCommandRun } from "../run.ts";
import { type ConnectedWorkspace, openSlackWorkspace } from "../workspaces.ts";
import { DISABLED } from "./disabled.ts";
import { requireOwnApp } from "./own-app.ts";
import { answerInTime, continueInBackground, logIgnored, notifyPerson, readSigned, slackPorts } from "./requests.ts";
import { slackCommand, slackReply } from "./schemas.ts";
import { acceptFromSlack } from "./threads.ts";

/** As long as a signature is valid, so that a repeated request is recognized. */
const CLAIM_MS = 10 * 60_000;

const STARTED = "I am on it: see the thread in this channel.";
const SLOW = "I am on it; Slack is slow just now. The thread will appear in this channel.";
const FAILED = "Something went wrong here. Try it again.";
const NOT_CONNECTED = "This workspace is not connected to an account.";

export function addSlackCommands(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/integrations/slack/commands",
      tag: "Slack",
      open: true,
      summary: "The slash command of Slack",
      description: "Signed by Slack. Starts a thread in the channel and a run in it.",
      takes: slackCommand,
      answers: {
        200: {
          description: "The reply that only the person who typed it sees.",
          schema: slackReply,
          text: "text/plain",
        },
      },
      problems: ["unauthorized", "forbidden", "bad_json", "invalid_field", "not_configured"],
    },
    async (context) => {
      const form = new URLSearchParams(await readSigned(context));
      // From time to time Slack checks the route's certificate with such a request.
      if (form.get("ssl_check") === "1") return context.text("");
      requireOwnApp(context, form.get("api_app_id"));
      const command = readCommand(form);
      if (command === null) throw new Problem("invalid_field", "The body is not a Slack command.");
      if (command.request === "") return context.json(replyPrivately(explainCommand(command.command)));
      const work = start(context, command);
      const text = await answerInTime(context, work, SLOW);
      if (text === SLOW) continueInBackground(context, notifyLate(context, command, work));
      return context.json(replyPrivately(text));
    },
  );
}

/**
 * Notifies the person if a run did not start after all. The message goes to the channel: Slack shows an ephemeral
 * message in a thread to nobody while the thread has no reply.
 */
async function notifyLate(context: AppContext, command: SlackCommand, work: Promise<string>): Promise<void> {
  const text = await work.catch(() => FAILED);
  if (text === STARTED) return;
  const { call } = unwrap(await openSlackWorkspace(slackPorts(context), command.team_id));
  await notifyPerson(call, { channel: command.channel, user_id: command.user_id }, text);
}

async function start(context: AppContext, command: SlackCommand): Promise<string> {
  const opened = await openSlackWorkspace(slackPorts(context), command.team_id);
  if (!opened.ok && opened.error.code === "not_found") {
    logIgnored("unknown_workspace", command.team_id);
    return NOT_CONNECTED;
  }
  const connected = unwrap(opened);
  if (connected.is_resting) return DISABLED;
  const { workspace, quotas } = connected;
  const refusal = await admitRun(context.env, { user_id: workspace.user_id, quotas });
  if (refusal !== null) return sayRefusal(refusal);
  if (!(await claim(context, connected, command))) return STARTED;
  const text = announceCommand(command);
  const posted = await connected.call("chat.postMessage", { channel: command.channel, text });
  const ts = posted.kind === "done" ? posted.body.ts : null;
  if (typeof ts !== "string") return explainRefusal(posted);
  return await startBelow(context, connected, command, ts);
}

async function startBelow(
  context: AppContext,
  { workspace }: ConnectedWorkspace,
  { team_id, channel, user_id, user_team_id, trigger_id, request }: SlackCommand,
  thread_ts: string,
): Promise<string> {
  const recipient = { recipient_user_id: user_id, recipient_team_id: user_team_id };
  const { origin } = new URL(context.req.url);
  const place = { kind: "slack", team_id, channel, thread_ts, newest_ts: thread_ts, origin, ...recipient } as const;
  const input = await toCommandRun(workspace, place, { trigger_id, content: request });
  const accepted = await acceptFromSlack(context.env, workspace, input, false);
  return accepted.ok ? STARTED : sayRefusal(accepted.error);
}

function sayRefusal({ detail }: Failure): string {
  return `This could not be taken: ${detail}`;
}

/** Returns false if the same command was taken before. */
async function claim(context: AppContext, { workspace }: ConnectedWorkspace, command: SlackCommand): Promise<boolean> {
  const now = Date.now();
  const hash = toHex(await hashText(`slack-command/${command.team_id}/${command.trigger_id}`));
  const expires_at = new Date(now + CLAIM_MS).toISOString();
  const ticket = {
    user_id: workspace.user_id,
    project_id: "",
    hash,
    expires_at,
    details: { purpose: "slack_command" },
  };
  return await claimTicket(context.env.DB, ticket, new Date(now).toISOString());
}

function explainRefusal(answer: SlackAnswer): string {
  if (answer.kind !== "refused") return "Slack could not be reached just now. Try it again.";
  const isOutside = answer.error === "not_in_channel" || answer.error === "channel_not_found";
  if (isOutside) return "I am not in this channel. Invite me first (`/invite`), or write to me directly.";
  return `Slack does not let me write here (${answer.error}).`;
}
