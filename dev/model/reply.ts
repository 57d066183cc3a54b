// The script's reply: one assistant message and, for tests, the faults of its delivery.

export interface ReplyCall {
  name: string;
  /** JSON; a test may use invalid JSON. */
  arguments: string;
  /** Generated when absent. */
  id?: string;
}

export interface Faults {
  /** The faults apply only to the first `max` requests that share this name. */
  times?: { name: string; max: number };
  /** The HTTP status of an error response that replaces the message. */
  status?: number;
  /** In seconds, with `status`. */
  retry_after?: number;
  /** The connection is reset before any response. */
  reset?: boolean;
  /** The response is an HTML page with status 200. */
  html?: boolean;
  /** The connection is reset after this many chunks. */
  cut_after?: number;
  /** The connection is reset after this many bytes of the body, even in the middle of a chunk or a character. */
  cut_after_bytes?: number;
  /** Nothing more is sent after this many chunks, and the connection stays open. */
  stall_after?: number;
  /** Not even the response's headers are sent. */
  silent?: boolean;
  /** The second chunk is not JSON. */
  bad_json?: boolean;
  /** A choice without content. */
  empty?: boolean;
  /** The stream ends after the content without a finish reason. */
  no_end?: boolean;
  /** An error object replaces the finish reason. */
  error?: boolean;
  /** The first chunk is followed by a line that never ends. */
  endless?: boolean;
  /** The number of comments before the content, one each 400 ms. */
  comments?: number;
}

export interface Reply {
  reasoning?: string;
  /** An iterable where the whole text would be large. */
  text?: string | Iterable<string>;
  calls?: ReplyCall[];
  faults?: Faults;
  tokens_per_second?: number;
}

export interface ToolUse {
  name: string;
  arguments: Record<string, unknown>;
}

export function call(name: string, input: Record<string, unknown>): ToolUse {
  return { name, arguments: input };
}

export function say(text: string, uses: ToolUse[] = [], reasoning?: string): Reply {
  const calls = uses.map((use) => ({ name: use.name, arguments: JSON.stringify(use.arguments) }));
  return { text, calls, reasoning };
}
