// Whether an answer came from a program in the sandbox or from what stands before it. Daytona's proxies answer on the same
// connection, and mark nothing.

/** Their refusals are a few hundred characters; what is longer is a program's. */
const REFUSAL_BYTES = 2_048;
/** They are sent whole, with their head. A program may think for long amid its words. */
const REFUSAL_MS = 1_000;

/**
 * `dead`: nothing took the request, or it broke off at once. `way`: what stands before the program refused it, in its own
 * words, which name the sandbox. `unclear`: the token may be an old one, or the sandbox may not run; a program says the same
 * at times. Null: a program said it.
 */
export type Refusal = "dead" | "way" | "unclear" | null;

const statuses = [400, 401, 403, 404, 409, 500, 502, 503, 504];

export async function judgeRefusal(answer: Response): Promise<Refusal> {
  const { status } = answer;
  if (!statuses.includes(status)) return null;
  const isJson = /^application\/json\b/i.test(answer.headers.get("content-type") ?? "");
  const body = isJson ? await readShort(answer) : null;
  if (body !== null && isDaytonas(body)) return status === 502 ? "dead" : "way";
  if (status === 401 || status === 403) return "unclear";
  if (status < 502 || !isEmpty(answer)) return null;
  return status === 502 ? "dead" : "unclear";
}

function isEmpty(answer: Response): boolean {
  const length = answer.headers.get("content-length");
  return length === "0" || (length === null && answer.body === null);
}

/** The shape of what Daytona's proxy and daemon say, by whichever of their versions. */
function isDaytonas(text: string): boolean {
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
