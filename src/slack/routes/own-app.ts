// Only this server's own Slack app counts. Anyone may make another app and bring its token for a workspace, and would
// then get what people there write to this one.
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { findSlackWorkspace } from "../../store/slack-workspaces.ts";
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

/**
 * Asks Slack for the app of a token. The bot that the user has connected already needs no proof: workspaces that were
 * connected before this was asked can get a new token.
 */
export async function requireOwnBot(
  context: AppContext,
  call: CallSlack,
  { grant, bot_id }: SlackIdentity,
): Promise<void> {
  const own = context.get("config").slack?.app_id ?? null;
  const known = await findSlackWorkspace(context.env.DB, grant.team_id);
  const isKnown = known?.user_id === context.get("caller").user_id && known.bot_user_id === grant.bot_user_id;
  if (own === null) {
    if (isKnown) return;
    const way = "or connect the workspace in a browser: POST /v1/slack/install.";
    throw new Problem("not_configured", `A bot's token can't be checked: set SLACK_APP_ID, ${way}`);
  }
  const answer = await call("bots.info", { bot: bot_id });
  if (answer.kind === "done") {
    if (isBotOf(answer.body, own, grant)) return;
    throw new Problem("invalid_field", "bot_token: it belongs to another Slack app.");
  }
  const lacksScope = answer.kind === "refused" && answer.error === "missing_scope";
  if (!(isKnown && lacksScope)) throw explain(answer);
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
