// What the script decides to say: one assistant message, and for tests what goes wrong on its way.

export interface ReplyCall {
  name: string;
  /** JSON; a test may want what is none. */
  arguments: string;
  /** Made up when absent. */
  id?: string;
}

export interface Faults {
  /** Answered instead of the message. */
  status?: number;
  /** In seconds, with `status`. */
  retry_after?: number;
  /** The connection is destroyed after this many chunks. */
  cut_after?: number;
  /** Nothing more is sent after this many chunks, and the connection stays open. */
  stall_after?: number;
  /** Not even a response head is sent. */
  silent?: boolean;
  /** After the first chunk comes one that is not JSON. */
  bad_json?: boolean;
  /** A choice without content. */
  empty?: boolean;
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
