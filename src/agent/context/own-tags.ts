// Text of others inside our tags: it must not end a quotation, or begin a part that the model takes for ours.

/** The tags of our prompts, in any spelling that a model may take for ours. */
const ownTags =
  /<(?=[\s/\u200b-\u200f\u2060\ufeff]{0,8}(?:environment|project[_\s-]?notes|conversation_summary|person_message|(?:plan[_\s-]?)?reminder|webhook_payload|web[_\s-]?content)\b)/gi;

export function escapeTags(text: string): string {
  return text.replace(ownTags, "&lt;");
}
