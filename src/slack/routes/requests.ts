// What the routes for Slack share: they refuse requests that Slack has not signed, answer within the time that Slack
// waits, and notify one person of what failed.
import { BODY_BYTES, readBytes } from "../../http/body.ts";
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { logError, logWarning } from "../../lib/log.ts";
import type { CallSlack } from "../api.ts";
import { checkSignature } from "../signature.ts";
import type { SlackPorts } from "../workspaces.ts";

/** Slack gives up after three seconds, and the network takes some of them. */
const ANSWER_MS = 2_400;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export function slackPorts(context: AppContext): SlackPorts {
  const { slack, encryption_keys } = context.get("config");
  return { database: context.env.DB, slack, encryption_keys };
}

/** Returns the body of a request that Slack has signed. Any other is `unauthorized`, and its body is not parsed. */
export async function readSigned(context: AppContext): Promise<string> {
  const { slack } = context.get("config");
  if (slack === null) {
    throw new Problem("not_configured", "Slack is not set up: the server's setting SLACK_SIGNING_SECRET is missing.");
  }
  const body = await readBytes(context.req.raw, BODY_BYTES);
  const given = {
    timestamp: context.req.header("x-slack-request-timestamp") ?? null,
    signature: context.req.header("x-slack-signature") ?? null,
  };
  const check = await checkSignature(given, body, slack.signing_secret, Date.now());
  if (check !== "valid") {
    logWarning("slack_refused", { request_id: context.get("request_id"), reason: check });
    throw new Problem("unauthorized", "The request is not signed by Slack, or was signed too long ago.");
  }
  try {
    return utf8.decode(body);
  } catch {
    throw new Problem("bad_json", "The body is not valid UTF-8.");
  }
}

/**
 * Returns the result of `work`, or `late` if Slack would not wait for it. The work then continues in the background.
 */
export async function answerInTime<T>(context: AppContext, work: Promise<T>, late: T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), ANSWER_MS);
  });
  try {
    const first = await Promise.race([work.then((value) => ({ value })), waited]);
    if (first !== "late") return first.value;
    continueInBackground(context, work);
    return late;
  } finally {
    clearTimeout(timer);
  }
}

/** Continues work after the answer. A failure is only logged. */
export function continueInBackground(context: AppContext, work: Promise<unknown>): void {
  const request_id = context.get("request_id");
  context.executionCtx.waitUntil(work.catch((error: unknown) => logError("slack_failed", error, { request_id })));
}

/** Shows a text to one person in a channel or a thread. Best effort: a failed call is not repeated. */
export async function notifyPerson(
  call: CallSlack,
  { channel, user_id, thread_ts }: { channel: string; user_id: string; thread_ts?: string },
  text: string,
): Promise<void> {
  await call("chat.postEphemeral", { channel, user: user_id, thread_ts, text });
}

export function logIgnored(reason: string, team_id: string | null): void {
  logWarning("slack_ignored", { reason, team_id });
}
