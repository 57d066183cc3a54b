// Connects a workspace to a user by its bot's token, for installations and for tokens that a user sends.
import { audited } from "../../http/audit.ts";
import type { AppContext } from "../../http/context.ts";
import type { Result } from "../../protocol/error.ts";
import type { SlackWorkspace } from "../../protocol/slack.ts";
import { findSlackWorkspace } from "../../store/slack-workspaces.ts";
import type { SlackGrant } from "../oauth.ts";
import { connectSlackWorkspace, disconnectSlackWorkspace } from "../workspaces.ts";
import { logIgnored, slackPorts } from "./requests.ts";

/**
 * An agent or project that is not chosen stays as it was if the user has connected the workspace before. An account
 * that had connected it with another bot loses it: the grant is of this server's app, which has one bot in a workspace.
 */
export async function connectGrant(
  context: AppContext,
  { user_id, key_id }: { user_id: string; key_id: string | null },
  choice: { agent_id: string | null; project_id: string | null },
  { token, ...grant }: SlackGrant,
): Promise<Result<SlackWorkspace>> {
  const known = await findSlackWorkspace(context.env.DB, grant.team_id);
  const before = known?.user_id === user_id ? known : null;
  if (known !== null && before === null && known.bot_user_id !== grant.bot_user_id) {
    await replaceOtherBot(context, known);
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
  return await connectSlackWorkspace(slackPorts(context), workspace, token);
}

/** Recorded for the account that loses it, which does not learn who has it now. */
async function replaceOtherBot(context: AppContext, { user_id, ...known }: SlackWorkspace): Promise<void> {
  const act = {
    action: "slack_workspace.disconnect",
    user_id,
    target: known.team_id,
    details: { reason: "other_bot_replaced" },
    by: { user_id: null, key_id: null },
    source: { type: "server" },
  } as const;
  await audited(context, act, async (notes) => {
    const isGone = await disconnectSlackWorkspace(slackPorts(context), { user_id, ...known });
    if (isGone) logIgnored("other_bot_replaced", known.team_id);
    else notes.refused = "version_conflict";
  });
}
