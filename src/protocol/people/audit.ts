// What the audit records: who did what, from where, by which key. Entries hold ids and names, never a secret, and nothing
// of what people and agents write.
import { z } from "zod";

export const auditActions = [
  "session.create",
  "session.delete",
  "sign_in.refuse",
  "user.create",
  "user.update",
  "user.disable",
  "user.enable",
  "user.delete",
  "api_key.create",
  "api_key.delete",
  "git_credential.set",
  "git_credential.delete",
  "sandbox_secret.set",
  "sandbox_secret.delete",
  "trigger.create",
  "trigger.update",
  "trigger.delete",
  "trigger.rotate_secret",
  "webhook.create",
  "webhook.update",
  "webhook.delete",
  "webhook.rotate_secret",
  "preview.create",
  "preview.delete",
  "ssh_access.create",
  "ssh_access.delete",
  "slack_workspace.connect",
  "slack_workspace.update",
  "slack_workspace.disconnect",
  "approval.approve",
  "approval.deny",
  "thread.expire",
  "run.cancel",
  "checks.run",
] as const;
export type AuditAction = (typeof auditActions)[number];

/** `refused` with a code of `problems` in the details. */
export const auditOutcomes = ["done", "refused"] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** From where somebody acted. `unknown` stands for one of a later version. */
export const auditSource = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("http"),
    address: z.string().nullable(),
    user_agent: z.string().nullable(),
    request_id: z.string(),
  }),
  z.object({ type: z.literal("slack"), team_id: z.string(), slack_user_id: z.string() }),
  z.object({ type: z.literal("agent"), thread_id: z.string(), invocation_id: z.string() }),
  z.object({ type: z.literal("server") }),
  z.object({ type: z.literal("unknown") }),
]);
export type AuditSource = z.infer<typeof auditSource>;

export interface AuditEntry {
  entry_id: string;
  /** Whose account it is about; null if that is not known. */
  user_id: string | null;
  created_at: string;
  actor_id: string | null;
  key_id: string | null;
  action: AuditAction;
  target: string | null;
  /** Null if it is not known, because the server died or lost its database in between. */
  outcome: AuditOutcome | null;
  source: AuditSource;
  /** Names and numbers for people. */
  details: Record<string, string | number | boolean | null>;
}
