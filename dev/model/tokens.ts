// Splits a reply into small pieces as a real model sends them: words for text, a few characters for arguments.
import type { Reply } from "./reply.ts";

export type Delta =
  | { kind: "reasoning"; text: string }
  | { kind: "text"; text: string }
  | { kind: "call"; index: number; id: string; name: string }
  | { kind: "arguments"; index: number; text: string };

// A piece of arguments is longer than a word: most of what is sent are files, and a person waits for them.
const ARGUMENT_PIECE = 18;

export function* cutReply(reply: Reply, newId: () => string): Generator<Delta> {
  if (reply.reasoning) for (const text of cutText(reply.reasoning)) yield { kind: "reasoning", text };
  const texts = typeof reply.text === "string" ? cutText(reply.text) : (reply.text ?? []);
  for (const text of texts) yield { kind: "text", text };
  for (const [index, call] of (reply.calls ?? []).entries()) {
    yield { kind: "call", index, id: call.id ?? newId(), name: call.name };
    for (const text of cutEvenly(call.arguments, ARGUMENT_PIECE)) yield { kind: "arguments", index, text };
  }
}

/** Words with the space before them; one or two characters in scripts without spaces. Never splits a character. */
export function cutText(text: string): string[] {
  return text.match(/\s*(?:\p{Script=Han}{1,2}|[^\s\p{Script=Han}]{1,12})|\s+/gu) ?? [];
}

function* cutEvenly(text: string, size: number): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const last = text.charCodeAt(at + size - 1);
    const end = at + size + (last >= 0xd800 && last <= 0xdbff ? 1 : 0);
    yield text.slice(at, end);
    at = end;
  }
}
