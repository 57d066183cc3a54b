// The messages of an AG-UI request. A client sends its whole history each time, which has no limit but a body's, so what
// one message takes is little: it is compared with the one form that its role names, and the first that is wrong ends
// the look. A refusal takes more than a message does.
import { z } from "@hono/zod-openapi";
import { isRecord } from "../../lib/is-record.ts";
import { newId } from "../../protocol/ids.ts";
import { isEmptyContent, type UserContent } from "../../protocol/message.ts";
import { late } from "../../protocol/schemas/late.ts";
import { longList, unionBy } from "../../protocol/schemas/many.ts";
import type { HistoryEntry, RunInput } from "../../protocol/thread.ts";
import { wellFormed } from "../schemas.ts";
import { anyId, MAX_SENT_ID } from "./ids.ts";

const imageAddress = wellFormed.openapi({
  description:
    "A public http or https address without a user or password, or a `data:` address. A server with `IMAGE_URLS=data` accepts only the latter. In a new message any other address is `invalid_field`.",
});

const source = late(() =>
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("url"), value: imageAddress }),
    z.object({ type: z.literal("data"), value: wellFormed, mimeType: wellFormed }),
  ]),
);

const inputPart = late(() =>
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("text"), text: wellFormed }),
    z.object({ type: z.literal("image"), source: source() }),
    // An image in the form of AG-UI before 1.0.
    z.object({
      type: z.literal("binary"),
      mimeType: z.string().regex(/^image\//, "only images can be read"),
      url: imageAddress.optional(),
      data: wellFormed.optional(),
    }),
  ]),
);

const roles = ["user", "tool"];

/** Any other message of a history passes, of this or a later protocol version. */
const anyMessage = late(() =>
  unionBy(
    [
      z.object({
        role: z.literal("user"),
        id: anyId,
        content: z.union([wellFormed, z.array(inputPart()).max(100)]),
      }),
      z.object({
        role: z.literal("tool"),
        id: z.string(),
        toolCallId: wellFormed.max(MAX_SENT_ID),
        content: z.union([wellFormed, longList(z.object({ type: z.string(), text: wellFormed.optional() }))]),
      }),
      z.object({ id: z.unknown().optional(), role: z.string() }),
    ],
    (message) => {
      const place = isRecord(message) ? roles.indexOf(String(message.role)) : -1;
      return place < 0 ? roles.length : place;
    },
  ),
);
export type AnyMessage = z.infer<ReturnType<typeof anyMessage>>;

export const messages = late(() => longList(anyMessage()));

/** What the history has at this place, whatever it is. */
export function readEntry({ id, role }: AnyMessage): HistoryEntry[] {
  return typeof id === "string" ? [{ message_id: id, role }] : [];
}

export function readUserMessage(message: AnyMessage): RunInput["messages"] {
  if (!("content" in message) || message.role !== "user") return [];
  const content = readContent(message.content);
  return isEmptyContent(content) ? [] : [{ message_id: message.id, content }];
}

function readContent(content: Extract<AnyMessage, { role: "user" }>["content"]): UserContent {
  if (typeof content === "string") return content;
  return content.map((part) =>
    part.type === "text"
      ? { type: "text", text: part.text }
      : { type: "image_url", image_url: { url: addressOf(part) } },
  );
}

function addressOf(part: Exclude<z.infer<ReturnType<typeof inputPart>>, { type: "text" }>): string {
  if (part.type === "binary") return part.url ?? `data:${part.mimeType};base64,${part.data ?? ""}`;
  const { source } = part;
  return source.type === "url" ? source.value : `data:${source.mimeType};base64,${source.value}`;
}

/** The history also has results of our own tools, under any ids. The object uses only those that a run waits for. */
export function readToolResult(message: AnyMessage): RunInput["tool_results"] {
  if (!("content" in message) || message.role !== "tool") return [];
  const { content, toolCallId } = message;
  const text = typeof content === "string" ? content : content.map((part) => part.text ?? "").join("\n");
  const message_id = anyId.safeParse(message.id).success ? message.id : newId("msg");
  return [{ message_id, tool_call_id: toolCallId, content: text }];
}
