// Checks that Slack sent a request. Slack signs the time and the raw body of each request with the app's secret.
import { equalInConstantTime } from "../lib/constant-time.ts";

/** The headers as they arrived; null if absent. Repeated headers arrive joined by a comma, which is malformed. */
export interface SlackSignature {
  timestamp: string | null;
  signature: string | null;
}

export type SignatureCheck = "valid" | "missing" | "malformed" | "too_old" | "too_new" | "wrong";

/** Slack's own limit against replays. It holds in both directions, because clocks differ. */
const TOLERANCE_SECONDS = 5 * 60;

const encoder = new TextEncoder();

export async function checkSignature(
  { timestamp, signature }: SlackSignature,
  body: Uint8Array,
  secret: string,
  now: number,
): Promise<SignatureCheck> {
  if (timestamp === null || signature === null) return "missing";
  const [, hex] = /^v0=([\da-f]{64})$/.exec(signature) ?? [];
  if (hex === undefined || !/^\d{1,12}$/.test(timestamp)) return "malformed";
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > TOLERANCE_SECONDS) return "too_old";
  if (age < -TOLERANCE_SECONDS) return "too_new";
  const expected = await sign(timestamp, body, secret);
  const given = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return equalInConstantTime(expected, given) ? "valid" : "wrong";
}

async function sign(timestamp: string, body: Uint8Array, secret: string): Promise<Uint8Array> {
  const head = encoder.encode(`v0:${timestamp}:`);
  const signed = new Uint8Array(head.byteLength + body.byteLength);
  signed.set(head);
  signed.set(body, head.byteLength);
  const parameters = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), parameters, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
}
