import { afterEach, describe, expect, it } from "vitest";
import { classifyRefusal } from "../exchange/failure/refusal-reason.ts";
import type { SentRequest } from "./learn.ts";
import { lacksTools, readObjection } from "./learn.ts";
import { plainProfile } from "./profile.ts";
import { applyRules, forgetRule, forgetRules, knownRules, rememberRule } from "./rules.ts";
import { chooseProfile } from "./servers.ts";

const sent: SentRequest = {
  profile: plainProfile,
  optional_fields: ["stream_options", "temperature", "max_tokens", "parallel_tool_calls", "tool_stream"],
  model: "house-vision-model",
  images: [],
  rules: [],
  lessons: [],
  is_api_set: false,
  limit_field: "max_tokens",
  is_effort_set: false,
  chosen_fields: [],
  newest_item: null,
};
const image = (hash: string, is_new: boolean) => ({ hash, url: `https://x.example/${hash}.png`, is_new });
const withImages = { ...sent, images: [image("old", false), image("new", true)] };
const readAll = (detail: string, given: Partial<SentRequest>, status: number, param: string | null, kind = "") => {
  const { reason } = classifyRefusal({ status, detail, kind, param, retry_after_ms: null });
  return readObjection({ status, detail, param, kind, reason }, { ...sent, ...given });
};
const learn = (detail: string, given: Partial<SentRequest> = {}, status = 400, param: string | null = null) =>
  readAll(detail, given, status, param).find((rules) => rules.length > 0) ?? [];

describe("readObjection", () => {
  it.each([
    "This model does not support images of type image/tiff.",
    "We don't support images larger than 20 MB.",
    "The server does not support image URLs; send the data.",
  ])("blames an image for what is wrong with it, and not the model: %s", (words) => {
    expect(learn(words, withImages)).toEqual(["image:new"]);
  });

  it("reads nothing out of an address, which a person may have chosen", () => {
    const url = "https://x.example/mmproj?temperature=unsupported&content.type";
    const images = [{ hash: "new", url, is_new: true }];
    expect(learn(`Error while downloading ${url}.`, { images })).toEqual(["image:new"]);
    expect(learn(`Error while downloading ${url}.`)).toEqual([]);
  });

  it.each([
    [
      "thinking is enabled but reasoning_content is missing in assistant tool call message at index 3",
      "send reasoning_content",
    ],
    ["The `reasoning_content` in the thinking mode must be passed back to the API.", "send reasoning_content"],
    ["Missing `reasoning_content` field in the assistant message at message index 2.", "send reasoning_content"],
    [
      "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
      "send no reasoning",
    ],
    [
      "messages.2.assistant.reasoning_content: property 'messages.2.assistant.reasoning_content' is unsupported",
      "send no reasoning",
    ],
    [
      "body.messages.1.assistant.reasoning_content: Extra inputs are not permitted (extra_forbidden)",
      "send no reasoning",
    ],
    ["messages.1.content.0: Invalid `signature` in `thinking` block", "send no reasoning"],
    [
      "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly",
      "send signatures",
    ],
    ["Unknown field extra_content", "send no signatures"],
    ["Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", "ids:nine"],
    ["messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", "ids:plain"],
    ["Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40", "ids:forty"],
    [
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      "limit is called max_completion_tokens",
    ],
    ["messages.3: 'name' is required for role 'tool'", "name results"],
    ["Missing required field 'name' in tool message at index 2", "name results"],
    ["GenerateContentRequest.contents[2].parts[0].function_response.name: Name cannot be empty.", "name results"],
    ["max_tokens: Field required", "limit is max_tokens"],
    [
      "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
      "ask at /responses",
    ],
    ["body.stream_options: Extra inputs are not permitted", "omit:stream_options"],
    [
      "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      "omit:temperature",
    ],
    ["invalid temperature: only 1 is allowed for this model", "omit:temperature"],
    ["property 'tool_stream' is unsupported", "omit:tool_stream"],
    ["Unexpected role 'user' after role 'tool'", "bridge results"],
    [
      "* GenerateContentRequest.tools[0].function_declarations[1].parameters.properties: should be non-empty for OBJECT type",
      "no empty schemas",
    ],
    ["Unexpected role 'assistant' after role 'assistant'", "merge messages"],
    [
      "Invalid 'tools[2].function.description': string too long. Expected a string with maximum length 1024, but got a string with length 4394 instead.",
      "describe:1024",
    ],
    [
      "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
      "merge messages",
    ],
    ["System role not supported", "no system role"],
    ["messages: text content blocks must be non-empty", "content is nothing"],
    ["the message at position 2 with role 'assistant' must not be empty", "content is nothing"],
  ])("reads %j", (detail, rule) => {
    expect(learn(detail)).toEqual([rule]);
  });

  it("reads that null is refused only where null was sent", () => {
    const nullSent = { profile: { ...plainProfile, empty_content: "null" } as const };
    expect(learn("messages[2].content: expected a string, got null", nullSent)).toEqual(["content is text"]);
    expect(learn("messages[2].content: expected a string, got null")).toEqual([]);
    const nothingSent = { profile: { ...plainProfile, empty_content: "nothing" } as const };
    expect(learn("Input error. Field required: input.messages.2.content", nothingSent)).toEqual(["content is text"]);
  });

  it("uses the field that the server names apart from its words", () => {
    expect(learn("Unsupported parameter", {}, 400, "temperature")).toEqual(["omit:temperature"]);
  });

  it.each([
    ["messages[7]: unknown variant `image_url`, expected `text`", 400],
    ["messages.content.type 参数非法，取值范围 ['text']", 400],
    ["No endpoints found that support image input", 404],
    ["this model does not support vision", 422],
    ["This model does not support image input.", 400],
    ["Image input is not supported by this model", 400],
    ["Qwen/Qwen3 is not a multimodal model", 400],
    ["image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", 500],
  ])("reads that the model sees no images: %s", (detail, status) => {
    expect(learn(detail, withImages, status)).toEqual(["no images"]);
    expect(learn(detail, {}, status)).toEqual([]);
  });

  it.each([
    "messages.3.content.0.image.source.base64: image exceeds 5 MB maximum",
    "Unsupported image format: image/tiff",
    "Failed to download image from https://x.example/a.png",
    "Could not process image",
    "image/svg+xml is not supported",
    "Image format not supported",
    "Only HTTPS image URLs are supported",
    "image URLs are not currently supported, please use base64 encoded data instead",
  ])("blames the newest image alone: %s", (detail) => {
    expect(learn(detail, withImages)).toEqual(["image:new"]);
    expect(readAll(detail, withImages, 400, null)).toEqual([["image:new"], ["image:old"], ["image:old", "image:new"]]);
  });

  it("reads that a call may not follow words of the model", () => {
    const words =
      "Please ensure that function call turn comes immediately after a user turn or after a function response turn.";
    expect(learn(words)).toEqual(["merge messages"]);
  });

  it("reads images where only the code speaks of them, or where content must be a text", () => {
    const detail = "Error while downloading https://cdn.example/x. Upstream status code: 404.";
    expect(readAll(detail, withImages, 400, null, "invalid_request_error invalid_image_url")[0]).toEqual(["image:new"]);
    expect(learn("body.messages.1.content: Input should be a valid string", withImages, 422)).toEqual(["no images"]);
    expect(learn("('messages.1.content' : value must be a string)", withImages)).toEqual(["no images"]);
  });

  it("reads the order of roles also from a server whose template failed", () => {
    expect(learn("Conversation roles must alternate user/assistant/user/assistant/...", {}, 500)).toEqual([
      "merge messages",
    ]);
    expect(learn("temperature is not supported", {}, 500)).toEqual([]);
  });

  it("blames the image that the server names", () => {
    expect(readAll("Failed to download https://x.example/old.png", withImages, 400, null)).toEqual([["image:old"]]);
  });

  it.each([
    [500, "worker for house-vision-model crashed"],
    [400, "maximum context length is 8192 tokens, with 3000 vision tokens"],
    [429, "too many images per minute"],
    [503, "multimodal worker overloaded"],
  ])("blames no image for %i %s", (status, detail) => {
    expect(learn(detail, withImages, status)).toEqual([]);
  });

  it.each([
    [400, "Something went wrong"],
    [400, "Invalid JSON"],
    [400, "The content filter refused the request"],
    [401, "Incorrect API key: temperature is not supported"],
    [404, "The model `reasoning_content` does not exist"],
    [429, "stream_options is not supported"],
    [503, "The server is overloaded; temperature invalid"],
  ])("learns nothing from %i %s", (status, detail) => {
    expect(learn(detail, {}, status)).toEqual([]);
  });
});

describe("lacksTools", () => {
  it.each([
    // https://github.com/louisho5/picobot/issues/6
    [400, "registry.ollama.ai/library/gemma3:4b does not support tools"],
    // https://github.com/Kilo-Org/kilocode/issues/9006
    [404, 'No endpoints found that support tool use. Try disabling "question".'],
    // https://github.com/langchain4j/langchain4j/issues/3475
    // https://github.com/ggml-org/llama.cpp/issues/26596
    [400, "Failed to initialize samplers: failed to parse grammar"],
    [400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'],
  ])("reads %i %s", (status, detail) => {
    expect(
      lacksTools({
        status,
        detail,
        param: null,
        kind: "",
        reason: status === 404 ? "model_not_found" : "request_refused",
      }),
    ).toBe(true);
  });

  it.each([
    [400, "tool_choice 'required' is incompatible with thinking enabled"],
    [404, "The model does not exist"],
    [500, "the model does not support tools"],
    [400, "No endpoints found that support image input"],
  ])("reads nothing of it in %i %s", (status, detail) => {
    expect(
      lacksTools({
        status,
        detail,
        param: null,
        kind: "",
        reason: status === 500 ? "server_failed" : "request_refused",
      }),
    ).toBe(false);
  });
});

describe("applyRules", () => {
  it("changes one thing of the profile for each rule, and ignores words of a later version", () => {
    const changed = applyRules(plainProfile, [
      "omit:temperature",
      "ids:nine",
      "ids:roman",
      "something new",
      "image:x",
      "no images",
    ]);
    expect(changed).toEqual({ ...plainProfile, omits: ["temperature"], ids: "nine", images: false });
  });

  it("wins over what the tables say", () => {
    const kimi = chooseProfile(null, "http://127.0.0.1/v1", "kimi-k2-thinking");
    expect(applyRules(kimi, ["send no reasoning"]).reasoning).toMatchObject({ field: null, required: false });
  });
});

describe("the memory of rules", () => {
  afterEach(forgetRules);

  it("joins what the thread and this isolate know, and keeps an image in its thread", () => {
    const stored: string[] = [];
    const memory = {
      read: () => stored,
      add: (_key: string, rule: string) => void stored.push(rule),
      remove: () => {},
    };
    rememberRule("h m", "ids:nine", memory);
    rememberRule("h m", "image:a", memory);
    expect(stored).toEqual(["ids:nine", "image:a"]);
    expect(knownRules("h m", undefined)).toEqual(["ids:nine"]);
    expect(knownRules("h m", memory)).toEqual(["ids:nine", "image:a"]);
    expect(knownRules("h other", undefined)).toEqual([]);
  });

  it("stays small, however many models and rules there are", () => {
    for (let at = 0; at < 300; at++) rememberRule(`h ${at}`, "ids:nine", undefined);
    for (let at = 0; at < 100; at++) rememberRule("h 299", `omit:${at}`, undefined);
    expect(knownRules("h 0", undefined)).toEqual([]);
    expect(knownRules("h 299", undefined)).toHaveLength(32);
    expect(knownRules("h 299", undefined).at(-1)).toBe("omit:99");
  });

  it("lets the newest of two contrary rules win, and forgets what did not hold", () => {
    rememberRule("h m", "send reasoning_content", undefined);
    rememberRule("h m", "send no reasoning", undefined);
    rememberRule("h m", "send reasoning_content", undefined);
    expect(knownRules("h m", undefined)).toEqual(["send no reasoning", "send reasoning_content"]);
    forgetRule("h m", "send reasoning_content", undefined);
    expect(knownRules("h m", undefined)).toEqual(["send no reasoning"]);
  });
});
