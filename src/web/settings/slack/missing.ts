// The settings that a server reports as missing, to name them to its operator.
import { ApiError } from "../../client/api.ts";

const known = ["SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "ENCRYPTION_KEY"];

/** Null where something else went wrong. A server that names none may lack any of them. */
export function findMissing(error: unknown): string[] | null {
  if (!(error instanceof ApiError) || error.code !== "not_configured") return null;
  const named = known.filter((name) => error.message.includes(name));
  return named.length > 0 ? named : known;
}
