// A parser for server-sent events: bytes in, the `data` of each event out. It keeps only the open line and the open
// event, and reads each character once, however the network splits the stream. A line that arrives in a million pieces
// costs no more than one that arrives whole.
//
// Only `data` is used; comments, `event`, `id` and `retry` are ignored. Lines end in LF or CRLF. The standard also
// permits a lone CR, but nobody sends it, and it would cost a second search of every line.

import { createFolder } from "../../lib/memory/text-bytes.ts";

export interface SseParser {
  push(bytes: Uint8Array): void;
  /** Ends the stream. An event without its closing blank line is delivered too: some servers omit the last one. */
  end(): void;
  /** Characters of the open line and the open event. */
  readonly held: number;
}

/** `push` and `end` throw a `RangeError` if one event is longer than `max_characters`. */
export function createSseParser(onData: (data: string) => void, max_characters: number): SseParser {
  const decoder = new TextDecoder();
  const fold = createFolder();
  let line = "";
  let data: string | null = null;

  function acceptLine(text: string): void {
    const content = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (content === "") dispatch();
    const value = content.startsWith("data") ? readValue(content) : readError(content);
    if (value === null) return;
    data = data === null ? value : `${data}\n${value}`;
    fold(data);
    checkLength(data.length);
  }

  function dispatch(): void {
    if (data === null) return;
    const whole = data;
    data = null;
    onData(whole);
  }

  function checkLength(length: number): void {
    if (length > max_characters) throw new RangeError(`an event is longer than ${max_characters} characters`);
  }

  function acceptText(text: string): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const rest = text.slice(start, end);
      const whole = line === "" ? rest : line + rest;
      line = "";
      start = end + 1;
      acceptLine(whole);
    }
    if (start === text.length) return;
    line += start === 0 ? text : text.slice(start);
    fold(line);
    checkLength(line.length);
  }

  return {
    push: (bytes) => acceptText(decoder.decode(bytes, { stream: true })),
    end() {
      acceptText(decoder.decode());
      const last = line;
      line = "";
      if (last !== "") acceptLine(last);
      dispatch();
    },
    get held() {
      return line.length + (data?.length ?? 0);
    },
  };
}

/** llama.cpp before October 2025 ends a stream with a field of its own: https://github.com/ggml-org/llama.cpp/pull/16109 */
function readError(line: string): string | null {
  return line.startsWith("error: {") ? line.slice(7) : null;
}

/** The value of a `data` field; null if the name only begins with it. */
function readValue(line: string): string | null {
  if (line.length === 4) return "";
  if (line.charCodeAt(4) !== 0x3a) return null;
  return line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5);
}
