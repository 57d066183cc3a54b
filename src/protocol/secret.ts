// The kinds of stored secrets.

/** Within a kind, the name of a secret is its host, trigger, webhook or workspace, or its project and variable. */
export type SecretKind = "git" | "trigger" | "webhook" | "slack" | "sandbox";
