// What Daytona's proxies do with a preview's requests. Their own answers look like the program's; their headers and
// cookies grant access to sandboxes; and they put the sandbox's path before each `Location`.
import type { PortEndpoint } from "../../../agent/workspace.ts";
import type { PreviewProxy, Refusal } from "../../provider.ts";

/** The proxies' refusals have a few hundred characters. A longer answer is a program's. */
const REFUSAL_BYTES = 2_048;
/** Refusals arrive at once, together with their headers. A program may pause in the middle of its answer. */
const REFUSAL_MS = 1_000;

const statuses = [400, 401, 403, 404, 409, 500, 502, 503, 504];

async function readRefusal(answer: Response): Promise<Refusal> {
  const { status } = answer;
  if (!statuses.includes(status)) return null;
  const isJson = /^application\/json\b/i.test(answer.headers.get("content-type") ?? "");
  const body = isJson ? await readShort(answer) : null;
  if (body !== null && isRefusal(body)) return status === 502 ? "no_listener" : "proxy";
  if (status === 401 || status === 403) return "unclear";
  if (status < 502 || !isEmpty(answer)) return null;
  return status === 502 ? "no_listener" : "unclear";
}

function isEmpty(answer: Response): boolean {
  const length = answer.headers.get("content-length");
  return length === "0" || (length === null && answer.body === null);
}

/** The shape that the proxy's and the daemon's refusals have in all versions. */
function isRefusal(text: string): boolean {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    return typeof body.statusCode === "number" && typeof body.timestamp === "string" && typeof body.path === "string";
  } catch {
    return false;
  }
}

/** A short body as text, read from a copy: the answer's own body stays to be forwarded. Null for a longer one. */
async function readShort(answer: Response): Promise<string | null> {
  if (Number(answer.headers.get("content-length") ?? 0) > REFUSAL_BYTES) return null;
  const copy = answer.clone().body;
  if (copy === null) return null;
  const reader = copy.getReader();
  const decoder = new TextDecoder();
  // Cancelling ends a pending read.
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), REFUSAL_MS);
  let text = "";
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      text += decoder.decode(read.value, { stream: true });
      if (text.length > REFUSAL_BYTES) return null;
    }
    return text;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    // Not awaited: it settles only when the answer's own body is read, which an unread copy would hold back.
    void reader.cancel().catch(() => {});
  }
}

/** The proxies put the sandbox's path before a path, before a whole URL, and before an empty value. */
function readLocation(location: string, { address }: PortEndpoint, port: number): string {
  const sandboxPath = new URL(address).pathname.slice(0, -`/proxy/${port}`.length);
  return location.startsWith(sandboxPath) ? location.slice(sandboxPath.length) : location;
}

/** Sent with a visitor's request: grants access to the sandbox, and switches off the proxy's warning page and CORS. */
export function openingHeaders(token: string): Record<string, string> {
  return {
    "x-daytona-preview-token": token,
    "x-daytona-skip-preview-warning": "true",
    "x-daytona-disable-cors": "true",
  };
}

export const daytonaProxy: PreviewProxy = {
  isOwnHeader: (name) => name.startsWith("x-daytona-"),
  isOwnCookie: (name) => /^daytona-/i.test(name),
  readRefusal,
  readLocation,
};
