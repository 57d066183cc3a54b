// Asks an issuer. It may be hostile, slow or broken: an answer is bounded in bytes and time, a redirect is an answer that
// does not hold (what is sent may be the client's secret), and nothing but a JSON object is read.

import { isRecord } from "../lib/is-record.ts";
import { readBoundedText } from "../lib/network/bounded-body.ts";
import type { Send } from "../lib/network/send.ts";
import { failed, found, type Reading } from "./outcome.ts";

/** Issuers answer within a second. A person waits for several requests, one after another. */
const ANSWER_MS = 8_000;
/** Entra's keys come with certificates: some 20 KB. Tokens with hundreds of groups are as large. */
const ANSWER_BYTES = 256 * 1024;

export interface IssuerAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** `what` names the answer in the log. Any status below 300 or from 400 on may have a JSON body. */
export async function askIssuer(
  send: Send,
  what: string,
  url: string,
  init: Pick<RequestInit, "method" | "headers" | "body"> = {},
): Promise<Reading<IssuerAnswer>> {
  try {
    const response = await send(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(ANSWER_MS) });
    const { status } = response;
    if (status >= 500 || status === 429) {
      await response.body?.cancel();
      return failed("unavailable", `${what}: status ${status}`);
    }
    // A redirect that is not followed has status 0 in some runtimes.
    if (status < 200 || (status >= 300 && status < 400)) {
      await response.body?.cancel();
      return failed("rejected", `${what}: a redirect, or status ${status}`);
    }
    const body = parse(await readBoundedText(response, ANSWER_BYTES));
    return isRecord(body) ? found({ status, body }) : failed("rejected", `${what}: status ${status} without JSON`);
  } catch (error) {
    if (error instanceof RangeError) return failed("rejected", `${what}: longer than ${ANSWER_BYTES} bytes`);
    return failed("unavailable", `${what}: ${error instanceof Error ? error.name : "failed"}`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
