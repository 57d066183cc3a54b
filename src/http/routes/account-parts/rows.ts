// The parts of an account that are rows and nothing else.
import type { AccountPart } from "../../../accounts/part.ts";
import { type AccountTable, deleteAccountRows } from "../../../store/people/account-rows.ts";

const rowsPart = (name: string, tables: AccountTable[]): AccountPart => ({
  name,
  remove: ({ env, user_id }) => deleteAccountRows(env.DB, user_id, tables),
});

/** They went with the decision; what an earlier deletion left of keys, and what came a moment later, goes here. */
export const keysPart = rowsPart("keys", ["api_keys", "tickets"]);

export const usesPart = rowsPart("uses", ["quota_uses", "usage_days"]);

export const agentsPart = rowsPart("agents", ["agents", "agent_versions"]);
