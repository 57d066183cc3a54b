// Knows the ping of a Taskloom's webhook, which only asks if somebody is there and needs no run. Its sender signs by
// Standard Webhooks, but a relay may pass it on with a signature or a secret of its own, and wrapped. So the payload
// decides and not the scheme.
import { isRecord } from "../lib/is-record.ts";
import { PING } from "../protocol/webhook.ts";

/** No relay wraps deeper. */
const MAX_WRAPPERS = 8;

/**
 * A wrapper that holds something else too is an event of its own: relays send several events at once, and the others
 * must not be lost with the ping.
 */
export function isPing(payload: unknown): boolean {
  let inner = payload;
  for (let depth = 0; depth <= MAX_WRAPPERS; depth++) {
    if (typeof inner !== "object" || inner === null) return false;
    if (isRecord(inner) && inner.type === PING)
      return isRecord(inner.data) && typeof inner.data.webhook_id === "string";
    const members: unknown[] = Object.values(inner);
    if (members.length !== 1) return false;
    [inner] = members;
  }
  return false;
}
