// Disconnects a workspace where nobody asked this server to: the app was removed in Slack, or another bot takes its place.
import { audited } from "../../http/audit.ts";
import type { AppContext } from "../../http/context.ts";
import type { WorkspaceKey } from "../../store/slack-workspaces.ts";
import { disconnectSlackWorkspace } from "../workspaces.ts";
import { logIgnored, slackPorts } from "./requests.ts";

/**
 * Recorded for the account that loses it, which does not learn who has it now. False, and nothing is changed, if the
 * workspace has changed since it was read.
 */
export async function disconnectUnasked(
  context: AppContext,
  workspace: WorkspaceKey,
  reason: "app_removed" | "other_bot_replaced",
): Promise<boolean> {
  const { user_id, team_id } = workspace;
  const act = {
    action: "slack_workspace.disconnect",
    user_id,
    target: team_id,
    details: { reason },
    by: { user_id: null, key_id: null },
    source: { type: "server" },
  } as const;
  return await audited(context, act, async (notes) => {
    const isGone = await disconnectSlackWorkspace(slackPorts(context), workspace);
    if (isGone) logIgnored(reason, team_id);
    else notes.refused = "version_conflict";
    return isGone;
  });
}
