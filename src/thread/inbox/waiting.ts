// Lists the messages that wait on a thread, for people. They become rows when a run takes them.
import { cutEnd } from "../../lib/truncate.ts";
import type { WaitingMessage } from "../../protocol/inbox.ts";
import type { ContentPart, UserContent } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import type { Life } from "../life.ts";
import { readWaiting } from "./steering.ts";

// As many messages as inputs may wait; an AG-UI input may bring several.
const MAX_SHOWN = 100;
// Enough to distinguish messages; a hundred of the longest would be a hundred megabytes.
const MAX_CHARACTERS = 4_000;

/** In the order in which runs will take them: first the active run, then those behind it. */
export function listWaiting(life: Life): WaitingMessage[] {
  const steered = readWaiting(life).map(({ input, created_at }) => unfold(input, "steer", created_at));
  const queued = [...life.live.values()]
    .filter(({ run, requested_end }) => run.status === "queued" && requested_end === null)
    .map(({ run, input }) => (input === null ? [] : unfold(input, "enqueue", run.created_at)));
  const shown = [...steered, ...queued].flat().slice(0, MAX_SHOWN);
  return shown.map((message) => ({ ...message, ...cutContent(message.content) }));
}

/** An answer to a question has no message, so it lists none. */
function unfold({ invocation_id, messages }: RunInput, on_busy: WaitingMessage["on_busy"], created_at: string) {
  return messages.map(({ message_id, content }) => ({ invocation_id, message_id, on_busy, content, created_at }));
}

/** Cuts texts at the limit, and leaves out an image that does not fit. */
function cutContent(content: UserContent): { content: UserContent; is_cut: boolean } {
  if (typeof content === "string") {
    const text = cutEnd(content, MAX_CHARACTERS);
    return { content: text, is_cut: text.length < content.length };
  }
  let room = MAX_CHARACTERS;
  let is_cut = false;
  const parts = content.flatMap((part): ContentPart[] => {
    const cut = cutPart(part, room);
    is_cut ||= cut === null || sizeOf(cut) < sizeOf(part);
    room -= cut === null ? 0 : sizeOf(cut);
    return cut === null ? [] : [cut];
  });
  return { content: parts, is_cut };
}

function cutPart(part: ContentPart, room: number): ContentPart | null {
  if (sizeOf(part) <= room) return part;
  return part.type === "text" && room > 0 ? { ...part, text: cutEnd(part.text, room) } : null;
}

function sizeOf(part: ContentPart): number {
  return part.type === "text" ? part.text.length : part.image_url.url.length;
}
