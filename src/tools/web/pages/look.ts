// What an address answers, once and without following: status, hash, and the start of the body. Its body is hashed while
// it streams, so that a long one takes no more memory than a short one.
import { createHash } from "node:crypto";
import { describePlatformRefusal } from "../../../lib/network/platform-refusal.ts";
import type { Send } from "../../../lib/network/send.ts";
import { cutEnd } from "../../../lib/truncate.ts";

export type Look =
  | { ok: true; status: number; body: string; body_bytes: number; body_hash: string }
  /** `refused`: nothing was asked, or can't be from here. A complete sentence. */
  | { ok: false; refused: boolean; message: string };

export const KEPT_BYTES = 64 * 1024;
/** Pages of a site that works have less. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_SHOWN = 200;

/** Rejects only with the signal's reason. No cookie, key or login is sent. */
export async function look(
  { href }: URL,
  { send, user_agent }: { send: Send; user_agent: string },
  signal: AbortSignal,
): Promise<Look> {
  const shown = cutEnd(href, MAX_SHOWN);
  try {
    const init = { headers: { accept: "*/*", "user-agent": user_agent }, redirect: "manual" as const, signal };
    const response = await send(href, init);
    const found = await readBody(response, signal);
    if (found === null)
      return { ok: false, refused: false, message: `${shown} answered with more than ${MAX_BYTES} bytes.` };
    const refusal = describePlatformRefusal(found.body);
    if (refusal !== null) return { ok: false, refused: true, message: `${refusal}.` };
    return { ok: true, status: response.status, ...found };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof Error)) throw error;
    const message = `${shown} can't be reached: its name is unknown or leads to a private network, or it does not answer.`;
    return { ok: false, refused: false, message };
  }
}

/** Null if it is too long. */
async function readBody(
  response: Response,
  signal: AbortSignal,
): Promise<Omit<Extract<Look, { ok: true }>, "ok" | "status"> | null> {
  const start = new Uint8Array(KEPT_BYTES);
  const hash = createHash("sha256");
  let body_bytes = 0;
  const reader = response.body?.getReader();
  try {
    for (let piece = await reader?.read(); piece !== undefined && !piece.done; piece = await reader?.read()) {
      signal.throwIfAborted();
      hash.update(piece.value);
      if (body_bytes < KEPT_BYTES) start.set(piece.value.subarray(0, KEPT_BYTES - body_bytes), body_bytes);
      body_bytes += piece.value.length;
      if (body_bytes > MAX_BYTES) return null;
    }
  } finally {
    // Whatever was not read is given up, or the connection would stay open.
    await reader?.cancel().catch(() => {});
  }
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const kept = start.subarray(0, Math.min(KEPT_BYTES, body_bytes));
  const body = decoder.decode(kept, { stream: body_bytes > KEPT_BYTES });
  return { body: body.replaceAll("\0", "\ufffd"), body_bytes, body_hash: hash.digest("hex") };
}
