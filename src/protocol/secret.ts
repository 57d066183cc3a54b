// What secrets are kept for.

/** One of each kind has a name of its own: a host, a trigger, a webhook, a workspace. */
export type SecretKind = "git" | "trigger" | "webhook" | "slack";
