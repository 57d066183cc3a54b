// Connects the app to a workspace. Either a person allows it in Slack, and Slack returns the bot's token for a code. Or
// a user sends the token of an app that was installed by hand.
import { z } from "zod";
import { late } from "../protocol/schemas/late.ts";
import { slackId } from "./events.ts";

/** The app uses each of these. The manifest in docs/slack.md lists the same. */
export const slackScopes = [
  "app_mentions:read",
  "assistant:write",
  "channels:history",
  "chat:write",
  "commands",
  "groups:history",
  "im:history",
  "mpim:history",
];

/** A bot in a workspace, with its token. */
export interface SlackGrant {
  team_id: string;
  team_name: string | null;
  bot_user_id: string;
  token: string;
}

type GrantReading = { ok: true; grant: SlackGrant } | { ok: false; reason: string };

/** Whose a token is, by `auth.test`. It names the bot and not the app. */
export interface SlackIdentity {
  grant: SlackGrant;
  bot_id: string;
}

type IdentityReading = { ok: true; identity: SlackIdentity } | { ok: false; reason: string };

const token = z.string().min(1).max(1_000);
const teamName = z.string().max(500).nullish();

const accessAnswer = late(() =>
  z.object({
    access_token: token,
    token_type: z.literal("bot"),
    bot_user_id: slackId,
    app_id: slackId.nullish(),
    team: z.object({ id: slackId, name: teamName }),
  }),
);

const testAnswer = late(() => z.object({ team_id: slackId, team: teamName, user_id: slackId, bot_id: slackId }));

const botAnswer = late(() => z.object({ bot: z.object({ app_id: slackId, user_id: slackId }) }));

const ORGANIZATION = "The app was installed for a whole organization. Install it in one workspace.";
const ROTATION =
  "The app's tokens expire (token rotation is on), which is not supported. Turn it off in the app's settings.";

export function authorizeAddress(
  authorize_url: string,
  { client_id, redirect_uri, state }: { client_id: string; redirect_uri: string; state: string },
): string {
  const url = new URL(authorize_url);
  for (const [name, value] of Object.entries({ client_id, scope: slackScopes.join(","), redirect_uri, state })) {
    url.searchParams.set(name, value);
  }
  return url.href;
}

/** Parses the answer of `oauth.v2.access`. `own_app_id` is null if the settings don't name the app. */
export function readAccess(body: Record<string, unknown>, own_app_id: string | null): GrantReading {
  if (body.is_enterprise_install === true) return { ok: false, reason: ORGANIZATION };
  if (body.refresh_token !== undefined || body.expires_in !== undefined) return { ok: false, reason: ROTATION };
  const read = accessAnswer().safeParse(body);
  if (!read.success) return { ok: false, reason: "Slack returned no bot token. Does the app have a bot user?" };
  const { access_token, bot_user_id, team, app_id } = read.data;
  if (own_app_id !== null && app_id && app_id !== own_app_id) {
    return { ok: false, reason: "SLACK_APP_ID names another Slack app than SLACK_CLIENT_ID." };
  }
  return { ok: true, grant: { team_id: team.id, team_name: team.name ?? null, bot_user_id, token: access_token } };
}

/** Parses the answer of `auth.test` for this token. */
export function readIdentity(body: Record<string, unknown>, token: string): IdentityReading {
  if (body.is_enterprise_install === true) return { ok: false, reason: ORGANIZATION };
  const read = testAnswer().safeParse(body);
  if (!read.success) return { ok: false, reason: "This is not a bot token. A bot token begins with xoxb-." };
  const { team_id, team, user_id, bot_id } = read.data;
  return { ok: true, identity: { grant: { team_id, team_name: team ?? null, bot_user_id: user_id, token }, bot_id } };
}

/** Whether the answer of `bots.info` says that the grant's bot belongs to the app. */
export function isBotOf(body: Record<string, unknown>, app_id: string, { bot_user_id }: SlackGrant): boolean {
  const read = botAnswer().safeParse(body);
  return read.success && read.data.bot.app_id === app_id && read.data.bot.user_id === bot_user_id;
}
