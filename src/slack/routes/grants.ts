// Connects a workspace to a user by its bot's token, for installations and for tokens that a user sends.
import type { AppContext } from "../../http/context.ts";
import { usualQuotas } from "../../http/ownership.ts";
import type { Result } from "../../protocol/error.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import { findSlackWorkspace } from "../../store/slack-workspaces.ts";
import type { SlackGrant } from "../oauth.ts";
import { connectSlackWorkspace } from "../workspaces.ts";
import { disconnectUnasked } from "./disconnect.ts";
import { slackPorts } from "./requests.ts";

/**
 * An agent or project that is not chosen stays as it was if the user has connected the workspace before. An account
 * that had connected it with another bot loses it: the grant is of this server's app, which has one bot in a workspace.
 */
export async function connectGrant(
  context: AppContext,
  { user_id, key_id }: { user_id: string; key_id: string },
  choice: { agent_id: string | null; project_id: string | null },
  { token, ...grant }: SlackGrant,
): Promise<Result<SlackWorkspace>> {
  const known = await findSlackWorkspace(context.env.DB, grant.team_id);
  const before = known?.user_id === user_id ? known : null;
  if (known !== null && before === null && known.bot_user_id !== grant.bot_user_id) {
    await disconnectUnasked(context, known, "other_bot_replaced");
  }
  const now = new Date().toISOString();
  const workspace: SlackWorkspace = {
    user_id,
    ...grant,
    agent_id: choice.agent_id ?? before?.agent_id ?? null,
    project_id: choice.project_id ?? before?.project_id ?? null,
    created_at: now,
    updated_at: now,
    made_by: key_id,
  };
  return await connectSlackWorkspace(slackPorts(context), workspace, token, usualQuotas(context));
}
