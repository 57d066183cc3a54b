// A signed delivery at a fixed time, and what its check says.
import { expect } from "vitest";
import type { TriggerVerification } from "../../src/protocol/trigger.ts";
import { verifyDelivery } from "../../src/triggers/verify.ts";

export const now = 1_780_000_000_000;
export const seconds = now / 1000;

export const secret = "It's a Secret to Everybody";

export function verify(
  verification: TriggerVerification,
  headers: Record<string, string> | Headers,
  { body = "{}", secrets = [secret] }: { body?: string | Uint8Array; secrets?: string[] } = {},
) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return verifyDelivery(verification, secrets, { headers: new Headers(headers), body: bytes, now });
}

export async function reasonOf(answer: ReturnType<typeof verify>): Promise<string> {
  const verified = await answer;
  if (verified.ok) return "accepted";
  expect(verified.error.code).toBe("unauthorized");
  return verified.error.detail;
}
