// What an agent or an operator may add to a model's request.

/**
 * Fields that belong to the server: what is asked and of which model, how the reply comes, how long it may be, and what
 * would make the provider remember a conversation.
 */
export const protectedFields: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "input",
  "instructions",
  "tools",
  "stream",
  "stream_options",
  "store",
  "include",
  "n",
  "max_tokens",
  "max_completion_tokens",
  "max_output_tokens",
  "previous_response_id",
  "conversation",
  "background",
]);
