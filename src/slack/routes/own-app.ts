// Only this server's own Slack app counts. Anyone may make another app and bring its token for a workspace, and would
// then get what people there write to this one.
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import type { CallSlack, SlackAnswer } from "../api.ts";
import { isBotOf, type SlackIdentity } from "../oauth.ts";
import { logIgnored } from "./requests.ts";

/** Refuses a signed request that Slack sends for another app. */
export function requireOwnApp(context: AppContext, app_id: unknown): void {
  const own = context.get("config").slack?.app_id ?? null;
  if (own === null || typeof app_id !== "string" || app_id === own) return;
  logIgnored("other_app", null);
  throw new Problem("forbidden", "The request is for another Slack app than the one in SLACK_APP_ID.");
}

/** Asks Slack for the app of a token. */
export async function requireOwnBot(
  context: AppContext,
  call: CallSlack,
  { grant, bot_id }: SlackIdentity,
): Promise<void> {
  const own = context.get("config").slack?.app_id ?? null;
  if (own === null) {
    const way = "or connect the workspace in a browser: POST /v1/slack/install.";
    throw new Problem("not_configured", `A bot's token can't be checked: set SLACK_APP_ID, ${way}`);
  }
  const answer = await call("bots.info", { bot: bot_id });
  if (answer.kind !== "done") throw explain(answer);
  if (!isBotOf(answer.body, own, grant)) {
    throw new Problem("invalid_field", "bot_token: it belongs to another Slack app.");
  }
}

function explain(answer: Exclude<SlackAnswer, { kind: "done" }>): Problem {
  if (answer.kind === "later")
    return new Problem("rate_limited", "Slack takes no more calls just now. Try again later.");
  if (answer.kind === "unknown") return new Problem("internal", "Slack could not be reached. Try again.");
  const detail =
    answer.error === "missing_scope"
      ? "Slack says whose it is only with the scope users:read. Add that to the app, or use POST /v1/slack/install."
      : `Slack does not say whose it is (${answer.error}).`;
  return new Problem("invalid_field", `bot_token: ${detail}`);
}
