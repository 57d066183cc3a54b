// Reads the text of an external response up to a limit, regardless of its content length.

/** Throws a `RangeError` and closes the body if it is longer than `limit`. Rejects if the connection breaks. */
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
