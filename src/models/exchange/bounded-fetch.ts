// The request of the SDK. A refusal is read here, to a limit, and thrown with everything that it says: the SDK would
// read its body completely, whatever its size, and keep of it only what is in OpenAI's form.
import { cutEnd } from "../../lib/truncate.ts";
import { openByteReader } from "./byte-reader.ts";
import type { RefusedAnswer } from "./failure/refusal.ts";

/** Limits the body of an error: enough for any provider's message. */
const MAX_ERROR_BYTES = 16 * 1024;

/** An answer that is no success. The SDK hands it on as the cause of its own error. */
export class RefusedResponse extends Error {
  readonly answer: RefusedAnswer;
  /** The host that a redirect points to; null if it points nowhere. */
  readonly redirect_host: string | null;

  constructor(answer: RefusedAnswer, redirect_host: string | null) {
    // The SDK drops the cause of an error whose words look like a timeout, so there are none of the server's.
    super(`status ${answer.status}`);
    this.name = "RefusedResponse";
    this.answer = answer;
    this.redirect_host = redirect_host;
  }
}

/** Redirects are not followed: the key must not reach a server that the deployment doesn't name. */
export async function fetchBounded(
  request: typeof fetch,
  input: Parameters<typeof fetch>[0],
  init: Parameters<typeof fetch>[1],
): Promise<Response> {
  const response = await request(input, { ...init, redirect: "manual" });
  if (response.ok) return response;
  const { status, headers } = response;
  const text = response.body ? await readStart(response.body) : "";
  throw new RefusedResponse({ status, headers, text }, findRedirectHost(response, input));
}

async function readStart(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = openByteReader(body);
  const decoder = new TextDecoder();
  let text = "";
  // A body that breaks off still says something, and the status says more.
  const read = () => reader.read().catch(() => null);
  while (text.length < MAX_ERROR_BYTES) {
    const piece = await read();
    if (piece === null) break;
    text += decoder.decode(piece, { stream: true });
  }
  await reader.cancel();
  return cutEnd(text, MAX_ERROR_BYTES);
}

function findRedirectHost({ status, headers, url }: Response, input: Parameters<typeof fetch>[0]): string | null {
  const location = headers.get("location");
  if (status < 300 || status > 399 || location === null) return null;
  const base = url || (input instanceof Request ? input.url : String(input));
  return URL.canParse(location, base) ? new URL(location, base).host : null;
}
