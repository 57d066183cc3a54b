// A profile says how one server and model want to be asked, where that differs from OpenAI's chat completions. It is
// composed of three layers, each over the one before: what the model's family needs (`families.ts`), what the server
// needs (`servers.ts`), and what refusals have taught (`rules.ts`).
export interface Profile {
  /** The operation that is asked. */
  api: Api;
  /** The model reasons: the Responses API gives its reasoning back encrypted, and a summary of it, where asked to. */
  reasons: boolean;
  /** Reasoning and the phases of messages go back to the Responses API. */
  returns_items: boolean;
  /** The provider's cache takes a key by which the requests of one conversation find the same machine. */
  cache_key: boolean;
  /** Reasoning that goes back with the reply it belongs to. */
  reasoning: {
    /** The field that it goes back in. `thinking`: a part of the content. Null: it is not sent back. */
    field: "reasoning_content" | "reasoning" | "thinking" | null;
    /** On which messages of the model. */
    on: "calls" | "all";
    /** Such a message is refused without the field. An empty text is accepted where there was no reasoning. */
    required: boolean;
  };
  /** Reasoning is kept also where it is not sent back, for a server that turns out to want it. */
  keeps_reasoning: boolean;
  /** `reasoning_details` go back as they came. */
  details: boolean;
  /** `<think>` in a reply's content goes back with it. */
  thinks: boolean;
  /**
   * `extra_content` of calls (Gemini's signatures) goes back as it came. `required`: a reply's first call is refused
   * without one, and a word that the provider documents replaces it for calls of other models.
   */
  signatures: "no" | "echo" | "required";
  /** The form of the ids of calls. */
  ids: IdForm;
  /** A tool's result needs the tool's name. */
  names_results: boolean;
  /** The server refuses a person's message right after a tool's result. */
  bridges_results: boolean;
  /** The server refuses two messages of one role in a row. */
  merges_messages: boolean;
  /** Where the system prompt goes if the server knows no such role. */
  system: "system" | "user";
  /** What a message that has only calls brings as its content. */
  empty_content: "text" | "null" | "nothing";
  /** Fields of the request that the server refuses. */
  omits: readonly string[];
  /** Fields of the request that the server needs beside OpenAI's. */
  adds: Readonly<Record<string, unknown>>;
  /** The name of the limit for the reply, whether it must be sent, and the largest that the server accepts. */
  limit: { field: "max_tokens" | "max_completion_tokens"; required: boolean; max?: number };
  /** The longest description of a tool in characters; null if the server has no limit. */
  description_limit: number | null;
  /** A tool without parameters has no schema: the server refuses one without fields. */
  omits_empty_schemas: boolean;
  /** Calls that a model writes as text are calls. Not where the server makes native ones of all that it means. */
  text_calls: boolean;
  images: boolean;
  /**
   * Marks what a provider shall cache, for those that cache nothing by themselves: in parts of the content, or of a
   * result on the message itself.
   */
  cache_marks: "none" | "parts" | "messages";
  /** How the key is sent. */
  auth: "bearer" | "api-key";
  /** The token that opens Cloudflare's AI Gateway is sent too. */
  opens_gateway: boolean;
}

/** The two operations of OpenAI's API that models are asked at: `/v1/chat/completions` and `/v1/responses`. */
export type Api = "chat" | "responses";

/** `nine`: nine letters or digits. `plain`: letters, digits, `_`, `-`. `forty`: at most 40 characters. */
export type IdForm = "any" | "nine" | "plain" | "forty" | "kimi";

/** What a family, a server or a rule changes. */
export type ProfileChange = Partial<Profile>;

/**
 * For whatever is in no table: what no server has been seen to refuse. What a provider sends along by names that only
 * it knows (details, signatures) goes back, since it would not send them otherwise.
 */
export const plainProfile: Profile = {
  api: "chat",
  reasons: true,
  returns_items: true,
  cache_key: false,
  reasoning: { field: null, on: "calls", required: false },
  keeps_reasoning: true,
  details: true,
  thinks: false,
  signatures: "echo",
  ids: "any",
  names_results: false,
  bridges_results: false,
  merges_messages: false,
  system: "system",
  empty_content: "text",
  omits: [],
  adds: {},
  limit: { field: "max_tokens", required: false },
  description_limit: null,
  omits_empty_schemas: false,
  text_calls: true,
  images: true,
  cache_marks: "none",
  auth: "bearer",
  opens_gateway: false,
};
