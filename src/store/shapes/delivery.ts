// What a webhook's delivery carries, as it is stored and sent: the JSON of a `WebhookPayload`.
import { isRecord } from "../../lib/is-record.ts";
import { END_HOPS } from "../../protocol/chain.ts";
import { isNumber, parseStored } from "./stored.ts";

/** How many webhooks in a row led to the delivery. A ping does not say it and counts as the first. */
export function hopsOf(payload: string): number {
  const stored = parseStored(payload);
  const data = isRecord(stored) ? stored.data : undefined;
  return isRecord(data) && isNumber(data.taskloom_hops) ? data.taskloom_hops : END_HOPS;
}
