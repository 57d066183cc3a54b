// Whether an answer came from a program in the sandbox or from what stands before it. Daytona's proxies answer on the same
// connection, and mark nothing.

/** Their refusals are a few hundred characters; what is longer is a program's. */
const REFUSAL_BYTES = 2_048;

/**
 * `dead`: nothing took the request, or it broke off at once. `token`, `way`: it may be that the token is an old one, or that
 * the sandbox does not run; a program says the same at times, so what Daytona's API knows decides. Null: a program said it.
 */
export type Refusal = "dead" | "token" | "way" | null;

export async function judgeRefusal(answer: Response): Promise<Refusal> {
  const { status } = answer;
  if (status === 401 || status === 403) return "token";
  if (![400, 404, 502, 503, 504].includes(status)) return null;
  if (isEmpty(answer)) return status === 502 ? "dead" : status >= 500 ? "way" : null;
  if (!/^application\/json\b/i.test(answer.headers.get("content-type") ?? "")) return null;
  const body = await readShort(answer);
  if (body === null || !isDaytonas(body)) return null;
  return status === 502 ? "dead" : "way";
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
    // Not awaited before the other half is read: a copy that is not read holds it back.
    void reader.cancel().catch(() => {});
  }
}
