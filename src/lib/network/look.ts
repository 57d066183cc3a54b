// Looks at what a public address answers, once and without following: for whoever checks that a site is up.
import { toHex } from "../hash.ts";
import { whyNotPublic } from "../public-url.ts";
import { cutEnd } from "../truncate.ts";
import { describePlatformRefusal } from "./platform-refusal.ts";
import type { Send } from "./send.ts";

export type PublicLook =
  | { ok: true; status: number; body: string; body_bytes: number; body_hash: string }
  /** `refused`: nothing was asked, or can't be from here. A complete sentence. */
  | { ok: false; refused: boolean; message: string };

const KEPT_BYTES = 64 * 1024;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_SHOWN = 200;

/** Rejects only with the signal's reason. No cookie, key or login is sent. */
export async function lookAtPublic(send: Send, address: string, signal: AbortSignal): Promise<PublicLook> {
  const url = URL.parse(address);
  const shown = cutEnd(address, MAX_SHOWN);
  const wrong = whyNotPublic(address);
  if (url === null || wrong !== null) return { ok: false, refused: true, message: `The address ${shown} ${wrong}.` };
  if (url.username !== "" || url.password !== "")
    return { ok: false, refused: true, message: "The address has a login in it, which is not sent." };
  try {
    const init = { headers: { accept: "*/*", "user-agent": "Taskloom" }, redirect: "manual" as const, signal };
    const response = await send(url.href, init);
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
): Promise<Omit<Extract<PublicLook, { ok: true }>, "ok" | "status"> | null> {
  const pieces: Uint8Array[] = [];
  let body_bytes = 0;
  const reader = response.body?.getReader();
  try {
    for (let piece = await reader?.read(); piece !== undefined && !piece.done; piece = await reader?.read()) {
      signal.throwIfAborted();
      pieces.push(piece.value);
      body_bytes += piece.value.length;
      if (body_bytes > MAX_BYTES) return null;
    }
  } finally {
    // Whatever was not read is given up, or the connection would stay open.
    await reader?.cancel().catch(() => {});
  }
  const whole = new Uint8Array(body_bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const body = decoder.decode(whole.subarray(0, KEPT_BYTES), { stream: body_bytes > KEPT_BYTES });
  return { body: body.replaceAll("\0", "\ufffd"), body_bytes, body_hash: toHex(hash) };
}
