// One request for a page: a redirect is returned and not followed, a body is read up to a limit.
import type { Send } from "../../../lib/network/send.ts";
import { inflate, readBody } from "./body.ts";
import { describeStatus } from "./refusal.ts";
import { type ContentType, describeFile, describeSize, readContentType } from "./types.ts";

/** What a request may cost, who makes it, and how. */
export interface RequestLimits {
  send: Send;
  body_bytes: number;
  user_agent: string;
}

export type Answer =
  | { kind: "page"; type: ContentType; bytes: Uint8Array }
  | { kind: "redirect"; to: string }
  /** A complete sentence. */
  | { kind: "refused"; message: string; status: number | null };

/** A page has a few kilobytes of them. */
const MAX_HEADER_CHARACTERS = 64 * 1024;

/** Rejects only with the signal's reason. No cookie is kept, and none is sent. */
export async function request(url: URL, limits: RequestLimits, signal: AbortSignal): Promise<Answer> {
  let response: Response;
  try {
    response = await limits.send(url.href, { headers: headersOf(limits), redirect: "manual", signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return refuse(
      "The site can't be reached: its name is unknown or leads to a private network, or it does not answer. Check the address, or look for another source.",
    );
  }
  const answer = await read(response, limits, signal);
  // Whatever was not read is given up, or the connection would stay open.
  if (!response.bodyUsed) response.body?.cancel().catch(() => {});
  return answer;
}

function headersOf({ user_agent }: RequestLimits): Record<string, string> {
  return {
    accept:
      "text/html, application/xhtml+xml, text/markdown, text/plain, application/json, application/xml;q=0.9, */*;q=0.8",
    "user-agent": user_agent,
  };
}

async function read(response: Response, limits: RequestLimits, signal: AbortSignal): Promise<Answer> {
  const { status, headers } = response;
  if (countCharacters(headers) > MAX_HEADER_CHARACTERS)
    return refuse("The site answered with a flood of headers and was left.");
  const location = headers.get("location");
  if (status >= 300 && status < 400 && status !== 304 && location !== null) return { kind: "redirect", to: location };
  const refusal = describeStatus(status, headers);
  if (refusal !== null) return { kind: "refused", message: refusal, status };
  const type = readContentType(headers.get("content-type"));
  const size = readSize(headers);
  if (type.kind === "other") {
    return refuse(
      `At this address is ${describeFile(type.type, size)}, which this tool names and does not read. If you need what is in it, download it in the sandbox.`,
    );
  }
  if (size !== null && size > limits.body_bytes) return refuse(describeLong(limits, size));
  return readPage(response, type, limits, signal);
}

async function readPage(
  response: Response,
  type: ContentType,
  limits: RequestLimits,
  signal: AbortSignal,
): Promise<Answer> {
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  let end = await readBody(response.body, limits.body_bytes, signal);
  if ("bytes" in end && encoding === "deflate") end = await inflate(end.bytes, limits.body_bytes, signal);
  if ("too_long" in end) return refuse(describeLong(limits, null));
  if ("broken" in end) {
    return refuse(
      "The connection broke before the page was complete, or its content was damaged: try once more, or look for another source.",
    );
  }
  return { kind: "page", type, bytes: end.bytes };
}

function describeLong({ body_bytes }: RequestLimits, size: number | null): string {
  const found = size === null ? "" : ` (${describeSize(size)})`;
  return `What is at this address is longer than the ${describeSize(body_bytes)} that this tool reads${found}. Download it in the sandbox, with curl -L, and search it there.`;
}

/** Before decompression; null where the server does not say, or says nonsense. */
function readSize(headers: Headers): number | null {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function countCharacters(headers: Headers): number {
  let sum = 0;
  headers.forEach((value, name) => {
    sum += name.length + value.length;
  });
  return sum;
}

function refuse(message: string): Answer {
  return { kind: "refused", message, status: null };
}
