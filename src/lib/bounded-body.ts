// The text of an answer from elsewhere, read up to a limit whatever length it announces.

/** Throws a `RangeError` where the body is longer, and closes it. Rejects where it breaks off. */
export async function readBoundedText(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read !== undefined && !read.done; read = await reader?.read()) {
    size += read.value.byteLength;
    if (size > limit) {
      await reader?.cancel();
      throw new RangeError("too long");
    }
    text += decoder.decode(read.value, { stream: true });
  }
  return text + decoder.decode();
}
