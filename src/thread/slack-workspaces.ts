// Connected workspaces of Slack: their bots' tokens are encrypted on the way into the store, and opened for the calls that
// need one. A token leaves this file only inside a caller of Slack's API.
import type { SlackSettings } from "../config.ts";
import { type CallSlack, createSlackCaller } from "../integrations/index.ts";
import { createSeal } from "../lib/seal.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { newId } from "../protocol/ids.ts";
import type { SlackWorkspace } from "../protocol/slack.ts";
import { deleteSecret, putSecret, readSecret } from "../store/secrets.ts";
import { deleteSlackWorkspace, findSlackWorkspace, putSlackWorkspace } from "../store/slack-workspaces.ts";

export interface SlackPorts {
  database: D1Database;
  /** Null where the server serves nothing of Slack. */
  slack: SlackSettings | null;
  /** The first seals, each opens; none where the server has no ENCRYPTION_KEY. */
  encryption_keys: string[];
}

export interface ConnectedWorkspace {
  workspace: SlackWorkspace;
  call: CallSlack;
}

const notConfigured = () =>
  fail("not_configured", "Slack is not set up: SLACK_SIGNING_SECRET or ENCRYPTION_KEY is missing in the settings.");

/** A workspace that another user has connected stays that user's: `already_exists`. */
export async function connectSlackWorkspace(
  { database, encryption_keys }: SlackPorts,
  workspace: SlackWorkspace,
  token: string,
): Promise<Result<SlackWorkspace>> {
  if (encryption_keys.length === 0) return notConfigured();
  const { user_id, team_id, updated_at } = workspace;
  const stored = await putSlackWorkspace(database, workspace);
  if (stored === null) {
    return fail("already_exists", "This workspace is connected to another account; disconnect it there first.");
  }
  const secret_id = newId("sec");
  const sealed = await createSeal(encryption_keys).seal(token, [user_id, secret_id]);
  const times = { created_at: updated_at, updated_at };
  await putSecret(database, { user_id, kind: "slack", name: team_id, secret_id, ...times, ...sealed });
  return succeed(stored);
}

/** The workspace and a caller with its bot's token. `not_found` where it is not connected, or not to `user_id` if that is given. */
export async function openSlackWorkspace(
  { database, slack, encryption_keys }: SlackPorts,
  team_id: string,
  user_id?: string,
): Promise<Result<ConnectedWorkspace>> {
  if (slack === null || encryption_keys.length === 0) return notConfigured();
  const workspace = await findSlackWorkspace(database, team_id);
  const isOwn = workspace !== null && (user_id === undefined || workspace.user_id === user_id);
  const row = isOwn ? await readSecret(database, { user_id: workspace.user_id, kind: "slack", name: team_id }) : null;
  if (workspace === null || row === null) return fail("not_found", "This workspace is not connected.");
  const token = await createSeal(encryption_keys).open(row, [row.user_id, row.secret_id]);
  if (!token.ok) {
    return fail("not_configured", "The workspace's token can't be opened with ENCRYPTION_KEY. Connect it again.");
  }
  return succeed({ workspace, call: createSlackCaller({ api_url: slack.api_url, token: token.text }) });
}

/** False where the user has not connected it. */
export async function disconnectSlackWorkspace(
  { database }: SlackPorts,
  user_id: string,
  team_id: string,
): Promise<boolean> {
  const deleted = await deleteSlackWorkspace(database, user_id, team_id);
  await deleteSecret(database, { user_id, kind: "slack", name: team_id });
  return deleted;
}
