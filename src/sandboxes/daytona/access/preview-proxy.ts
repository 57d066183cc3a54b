// What Daytona's proxies do with a preview's requests. They answer on the program's own connection and mark nothing; their
// headers and cookies open sandboxes; and they put the sandbox's path before each `Location`.
import type { PortEntry } from "../../../agent/workspace.ts";
import type { PreviewProxy, Refusal } from "../../provider.ts";

/** Their refusals are a few hundred characters; what is longer is a program's. */
const REFUSAL_BYTES = 2_048;
/** They are sent whole, with their head. A program may think for long amid its words. */
const REFUSAL_MS = 1_000;

const statuses = [400, 401, 403, 404, 409, 500, 502, 503, 504];

async function judge(answer: Response): Promise<Refusal> {
  const { status } = answer;
  if (!statuses.includes(status)) return null;
  const isJson = /^application\/json\b/i.test(answer.headers.get("content-type") ?? "");
  const body = isJson ? await readShort(answer) : null;
  if (body !== null && isRefusal(body)) return status === 502 ? "dead" : "way";
  if (status === 401 || status === 403) return "unclear";
  if (status < 502 || !isEmpty(answer)) return null;
  return status === 502 ? "dead" : "unclear";
}

function isEmpty(answer: Response): boolean {
  const length = answer.headers.get("content-length");
  return length === "0" || (length === null && answer.body === null);
}

/** The shape of what the proxy and the daemon say, by whichever of their versions. */
function isRefusal(text: string): boolean {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    return typeof body.statusCode === "number" && typeof body.timestamp === "string" && typeof body.path === "string";
  } catch {
    return false;
  }
}

/** A copy of the body where it is short; the answer's own stays to be passed on. */
async function readShort(answer: Response): Promise<string | null> {
  if (Number(answer.headers.get("content-length") ?? 0) > REFUSAL_BYTES) return null;
  const copy = answer.clone().body;
  if (copy === null) return null;
  const reader = copy.getReader();
  const decoder = new TextDecoder();
  // A read that is under way then says that this is the end.
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
    // Not awaited before the other half is read: a copy that is not read holds it back.
    void reader.cancel().catch(() => {});
  }
}

/** They put the sandbox's path before a path, before a whole address, and before nothing at all. */
function readLocation(location: string, { address }: PortEntry, port: number): string {
  const sandboxPath = new URL(address).pathname.slice(0, -`/proxy/${port}`.length);
  return location.startsWith(sandboxPath) ? location.slice(sandboxPath.length) : location;
}

/** Sent with a visitor's request: opens the sandbox, and asks the proxy for nothing of its own. */
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
  judge,
  readLocation,
};
