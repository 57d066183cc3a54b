// Connected Slack workspaces. Bot tokens are encrypted before they are stored, and decrypted for the calls that need
// one. A token leaves this file only inside a caller of Slack's API.
import type { SlackSettings } from "../config.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { exceeded, type Quotas } from "../protocol/money/quotas.ts";
import type { SlackWorkspace } from "../protocol/slack.ts";
import { openSecret, type SecretPorts, sealSecret } from "../secrets/sealed.ts";
import { whileMakerLives } from "../store/keys/maker.ts";
import { readHeld, type UsualQuota, usualQuota } from "../store/quotas/held.ts";
import { deleteSecret, putSecret, readSecret, type SecretName } from "../store/secrets.ts";
import {
  deleteSlackWorkspace,
  findOwnedWorkspace,
  findSlackWorkspace,
  putSlackWorkspace,
  type WorkspaceKey,
} from "../store/slack-workspaces.ts";
import { type CallSlack, createSlackCaller } from "./api.ts";

export interface SlackPorts extends SecretPorts {
  /** Null if the settings have no Slack app. */
  slack: SlackSettings | null;
}

export interface ConnectedWorkspace {
  workspace: SlackWorkspace;
  call: CallSlack;
  /** An admin's numbers for the account. */
  quotas: Quotas | null;
  /** Whether the account is disabled or deleted: then nothing is done for a person in Slack. */
  is_resting: boolean;
}

const notConfigured = () =>
  fail("not_configured", "Slack is not set up: SLACK_SIGNING_SECRET or ENCRYPTION_KEY is missing in the settings.");

/**
 * Stores a workspace and its token. Fails with `already_exists` if another user has connected it, and with
 * `quota_exceeded` if it is one too many.
 */
export async function connectSlackWorkspace(
  { database, encryption_keys }: SlackPorts,
  workspace: SlackWorkspace,
  token: string,
  usual: UsualQuota = usualQuota,
): Promise<Result<SlackWorkspace>> {
  if (encryption_keys.length === 0) return notConfigured();
  const { user_id, team_id, updated_at } = workspace;
  const put = await whileMakerLives(putSlackWorkspace(database, workspace, usual("slack_workspaces")));
  if (!put.ok) return put;
  const stored = put.value;
  if (stored === null) {
    const isForeign = (await findSlackWorkspace(database, team_id)) !== null;
    const { slack_workspaces: held } = await readHeld(database, user_id, ["slack_workspaces"], usual);
    if (!isForeign) return { ok: false, error: exceeded("slack_workspaces", held.limit) };
    return fail("already_exists", "This workspace is connected to another account; disconnect it there first.");
  }
  const sealed = await sealSecret(encryption_keys, tokenOf(user_id, team_id), token, updated_at);
  if (!sealed.ok) return sealed;
  await putSecret(database, sealed.value);
  return succeed(stored);
}

/**
 * Returns the workspace and a caller with its bot's token. Fails with `not_found` if it is not connected, or not to
 * `user_id` if that is given.
 */
export async function openSlackWorkspace(
  { database, slack, encryption_keys }: SlackPorts,
  team_id: string,
  user_id?: string,
): Promise<Result<ConnectedWorkspace>> {
  if (slack === null || encryption_keys.length === 0) return notConfigured();
  const found = await findOwnedWorkspace(database, team_id);
  const isOwn = found !== null && (user_id === undefined || found.workspace.user_id === user_id);
  const row = isOwn ? await readSecret(database, tokenOf(found.workspace.user_id, team_id)) : null;
  if (found === null || row === null) return fail("not_found", "This workspace is not connected.");
  const remedy = { what: "The workspace's token", remedy: "Connect it again." };
  const token = await openSecret(encryption_keys, row, remedy);
  if (!token.ok) return token;
  const { workspace, quotas, rest } = found;
  const call = createSlackCaller({ api_url: slack.api_url, token: token.value });
  return succeed({ workspace, call, quotas, is_resting: rest !== null });
}

/** Returns false, and changes nothing, if the user has not connected it, or has changed it since `updated_at`. */
export async function disconnectSlackWorkspace({ database }: SlackPorts, workspace: WorkspaceKey): Promise<boolean> {
  const deleted = await deleteSlackWorkspace(database, workspace);
  // A call without `updated_at` also deletes a token that an earlier call, interrupted halfway, has left.
  const isMeant = deleted || workspace.updated_at === undefined;
  if (isMeant) await deleteSecret(database, tokenOf(workspace.user_id, workspace.team_id));
  return deleted;
}

function tokenOf(user_id: string, team_id: string): SecretName {
  return { user_id, kind: "slack", name: team_id };
}
