// What the exchange knows of a dialect: how it writes a request, sends it, and adds up a reply. `chat/` and `responses/`
// are the two; all else of a request and its reply is common to them.
import type { ModelDelta, ModelReply, ModelRequest, ReplyExtras, ToolDescription } from "../../agent/model.ts";
import type { Profile } from "../profiles/profile.ts";
import type { Progress } from "./request-guard.ts";

/** A request's body. The dialect makes it in the SDK's type, and then fields are added and left out by their names. */
export type Body = Record<string, unknown>;

export interface WireContext {
  /** The same object for all calls whose messages are written alike. Without it, nothing is kept of what was written. */
  shape?: object | undefined;
  profile: Profile;
  /** The server and family whose extras go back. */
  origin: string;
  /** Images that were refused, by their hashes. */
  refused_images: ReadonlySet<string>;
  /** Items of reasoning that were refused, by their hashes: neither they nor older ones go back. */
  refused_items: ReadonlySet<string>;
  /** The server's own words for the end of a reply. */
  ends: readonly string[];
  /** The operator's own fields. */
  extra_body?: Readonly<Body>;
}

export interface ReplyOptions {
  max_characters: number;
  tool_names?: readonly string[];
  /** The server's own words for an end. */
  ends?: readonly string[];
}

export interface BrokenEnd {
  /** The server's word for it. */
  word: string;
  /** The conversation and the reply together have reached the end of the window. */
  too_long: boolean;
}

export interface ReplyBuilder {
  /**
   * Accepts one parsed chunk, or a whole reply of a server that does not stream. Throws nothing but `ReplyTooLong`. The
   * chunk itself is valid until the call returns; objects within a delta stay as they are.
   */
  accept(chunk: Record<string, unknown>): void;
  /** Sends what was held back. Nothing may be accepted afterwards. */
  close(): void;
  reply(): ModelReply;
  /** What goes back with the reply. */
  extras(profile: Profile, origin: string): ReplyExtras | undefined;
  readonly finished: boolean;
  /** Null unless the server broke its reply off. */
  readonly broken: BrokenEnd | null;
  readonly progress: Progress;
  /** Of all that came. */
  readonly characters: number;
}

export interface Wire {
  /** A reply in words for people. */
  reply_name: string;
  /** Without these fields there is no request. */
  needed_fields: ReadonlySet<string>;
  /** The field for the longest reply. */
  limitField(profile: Profile): string;
  effortFields(effort: string): Body;
  /** The request's fields without tools, the conversation, and what an agent or an operator adds. */
  write(request: ModelRequest, context: WireContext): Body;
  /** As JSON. */
  writeTool(tool: ToolDescription): string;
  /** Stands last in the request. */
  conversation_field: string;
  writeConversation(request: ModelRequest, context: WireContext): string;
  path: string;
  createReply(onDelta: (delta: ModelDelta) => void, options: ReplyOptions): ReplyBuilder;
  /** What a chunk or a whole body says of a failure; null if it is part of a reply. */
  readFailure(chunk: Record<string, unknown>): Record<string, unknown> | null;
  /** The reply ends with `[DONE]`. Otherwise with an event of its own, and nothing follows it. */
  ends_with_done: boolean;
}
