// What the script decides to say: one assistant message, and for tests what goes wrong on its way.

export interface ReplyCall {
  name: string;
  /** JSON; a test may want what is none. */
  arguments: string;
  /** Made up when absent. */
  id?: string;
}

export interface Faults {
  /** They happen to the first `most` requests only that share this name. */
  times?: { name: string; most: number };
  /** Answered instead of the message. */
  status?: number;
  /** In seconds, with `status`. */
  retry_after?: number;
  /** The connection is destroyed before anything is answered. */
  reset?: boolean;
  /** A page is answered, with status 200. */
  html?: boolean;
  /** The connection is destroyed after this many chunks. */
  cut_after?: number;
  /** The connection is destroyed after this many bytes of the body, be it within a chunk or a character. */
  cut_after_bytes?: number;
  /** Nothing more is sent after this many chunks, and the connection stays open. */
  stall_after?: number;
  /** Not even a response head is sent. */
  silent?: boolean;
  /** After the first chunk comes one that is not JSON. */
  bad_json?: boolean;
  /** A choice without content. */
  empty?: boolean;
  /** The stream ends well after the content, but nothing says so. */
  no_end?: boolean;
  /** An error object stands where the finish reason should. */
  error?: boolean;
  /** After the first chunk comes a line that never ends. */
  endless?: boolean;
  /** So many comments come before the content, one each 400 ms. */
  comments?: number;
}

export interface Reply {
  reasoning?: string;
  /** An iterable, where the whole text would be large. */
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
