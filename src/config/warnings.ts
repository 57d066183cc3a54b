// What works and should be fixed by the operator. Shown where operators look: in the log, in the banner of
// `npm start`, and by `GET /v1/server` with the admin key; not on `/healthz`, which everybody may read.
import { describeShortKeys } from "./key-length.ts";
import { describeSignIn, type SignInReading } from "./sign-in.ts";

interface Checked {
  admin_api_key: string | null;
  encryption_keys: string[];
  slack: { app_id: string | null } | null;
  sign_in: SignInReading;
  quota_problem: string | null;
  trace_problem: string | null;
  retention_problem: string | null;
}

/** Sentences for people. They name settings and quote nothing of them. */
export function findWarnings(checked: Checked): string[] {
  const { admin_api_key, encryption_keys, slack, sign_in, quota_problem, trace_problem, retention_problem } = checked;
  return [
    ...describeShortKeys({ ADMIN_API_KEY: admin_api_key, ENCRYPTION_KEY: encryption_keys[0] ?? null }),
    ...(slack !== null && slack.app_id === null
      ? ["SLACK_APP_ID is not set, so no workspace can be connected with a bot's token."]
      : []),
    ...describeSignIn(sign_in),
    ...(quota_problem === null ? [] : [`${quota_problem}. That part does not count.`]),
    ...(trace_problem === null ? [] : [trace_problem]),
    ...(retention_problem === null ? [] : [`${retention_problem}. It counts as not set.`]),
  ];
}
