import type { Item } from "../client/conversation.ts";

export type ToolItem = Extract<Item, { kind: "tool" }>;
