// The Slack workspaces of an account. Requests of Slack are ignored while it is disabled. When it is deleted, each bot's
// token is revoked at Slack before it is forgotten here.
import type { AccountPart, AccountScope } from "../../accounts/part.ts";
import { logError } from "../../lib/log.ts";
import { deleteAccountRows, deleteAccountSecrets } from "../../store/people/account-rows.ts";
import { listSlackWorkspaces } from "../../store/slack-workspaces.ts";
import { disconnectSlackWorkspace, openSlackWorkspace, type SlackPorts } from "../workspaces.ts";

const WORKSPACES_AT_ONCE = 5;

/** After that a token that Slack takes no call for is forgotten: nobody has it any more. */
const REVOKED_WITHIN_MS = 24 * 3_600_000;

export const slackPart: AccountPart = {
  name: "Slack",
  async remove(scope) {
    const { env, user_id } = scope;
    const page = await listSlackWorkspaces(env.DB, user_id, { limit: WORKSPACES_AT_ONCE, cursor: null });
    const workspaces = page.ok ? page.value.data : [];
    if (workspaces.length > 0) {
      const settled = await Promise.allSettled(workspaces.map(({ team_id }) => disconnect(scope, team_id)));
      for (const each of settled) if (each.status === "rejected") throw each.reason;
      return "more";
    }
    await deleteAccountSecrets(env.DB, user_id, "slack");
    return await deleteAccountRows(env.DB, user_id, ["slack_workspaces"]);
  },
};

async function disconnect(scope: AccountScope, team_id: string): Promise<void> {
  const { env, config, user_id } = scope;
  const ports: SlackPorts = { database: env.DB, slack: config.slack, encryption_keys: config.encryption_keys };
  const opened = await openSlackWorkspace(ports, team_id, user_id);
  // A token that can't be decrypted can't be revoked. One that was revoked already is refused.
  const answer = opened.ok ? await opened.value.call("auth.revoke", {}) : null;
  if (answer?.kind === "later" || answer?.kind === "unknown") {
    const error = new Error("Slack takes no calls just now");
    if (!scope.isOlderThan(REVOKED_WITHIN_MS)) throw error;
    logError("slack_token_not_revoked", error, { user_id, team_id });
  }
  await disconnectSlackWorkspace(ports, { user_id, team_id });
}
