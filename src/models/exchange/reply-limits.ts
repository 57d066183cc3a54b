// What one reply may take in memory.

/** No model writes this much in one reply. The limit stops an endless reply, of which several copies are kept. */
export const MAX_REPLY_CHARACTERS = 2 * 1024 * 1024;

/** More calls than this in one message are a loop and no plan; OpenAI's own limit is 128. */
export const MAX_TOOL_CALLS = 256;

/** For people. */
export const TOO_LONG = "The model's reply grew past what is accepted (2 MiB of text or 256 tool calls).";

/** Thrown when the reply is longer than its limit. */
export class ReplyTooLong extends Error {
  constructor() {
    super("the reply is longer than allowed");
    this.name = "ReplyTooLong";
  }
}
