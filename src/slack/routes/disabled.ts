// What a person in Slack reads while the account that the workspace uses is disabled.
import type { AppContext } from "../../http/context.ts";
import { hashText, toHex } from "../../lib/hash.ts";
import { claimTicket } from "../../store/tickets.ts";
import type { ConnectedWorkspace } from "../workspaces.ts";
import { logIgnored, notifyPerson } from "./requests.ts";

export const DISABLED = "The account that this workspace uses is disabled. Ask whoever runs it.";

/** A person who keeps writing in a channel reads it once in this time. */
const SAID_AGAIN_MS = 60 * 60_000;

/** Shows it to one person, who mentioned the app or pressed a button. */
export async function sayDisabled(
  context: AppContext,
  { workspace, call }: ConnectedWorkspace,
  { channel, user_id, thread_ts }: { channel: string; user_id: string; thread_ts: string | null },
): Promise<void> {
  const { team_id } = workspace;
  logIgnored("disabled_account", team_id);
  const now = Date.now();
  const hash = toHex(await hashText(`slack-disabled/${team_id}/${channel}/${user_id}`));
  const expires_at = new Date(now + SAID_AGAIN_MS).toISOString();
  const ticket = {
    user_id: workspace.user_id,
    project_id: "",
    hash,
    expires_at,
    details: { purpose: "slack_disabled" },
  };
  if (!(await claimTicket(context.env.DB, ticket, new Date(now).toISOString()))) return;
  // Slack shows an ephemeral message in a thread to nobody while the thread has no reply.
  await notifyPerson(call, { channel, user_id, ...(thread_ts !== null && { thread_ts }) }, DISABLED);
}
