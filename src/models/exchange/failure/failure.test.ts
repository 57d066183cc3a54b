import { describe, expect, it } from "vitest";
import { RefusedResponse } from "../bounded-fetch.ts";
import { describeError, describeErrorObject } from "./failure.ts";
import { hideAddresses, redact } from "./redaction.ts";

const api_key = "secret-key-0123456789";
const settings = { key: "OPENAI_API_KEY", base_url: "OPENAI_BASE_URL", model: "OPENAI_MODEL" };
const provider = { host: "api.model.example:8443", secrets: [api_key], settings };
function status(code: number, error: unknown, headers: Record<string, string> = {}) {
  const answer = { status: code, headers: new Headers(headers), text: JSON.stringify({ error }) };
  return describeError(new RefusedResponse(answer, null), provider);
}

describe("describeError", () => {
  it("names the setting to check when the key or the model is wrong", () => {
    expect(status(401, { message: "no" })).toMatchObject({ retryable: false, code: "model_error" });
    expect(status(401, { message: "no" }).message).toContain("OPENAI_API_KEY");
    expect(status(404, { message: "no such model" }).message).toMatch(/no such model.*OPENAI_MODEL/);
  });

  it.each([
    [400, false],
    [402, false],
    [403, false],
    [404, false],
    [408, true],
    [413, false],
    [422, false],
    [429, true],
    [500, true],
    [503, true],
    [529, true],
  ])("knows for status %i that another attempt is %s", (code, retryable) => {
    expect(status(code, { message: "x" }).retryable).toBe(retryable);
  });

  it.each([
    [
      400,
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
      "context_length_exceeded",
    ],
    [400, "This model's maximum context length is 4096 tokens, you requested 5000 tokens", ""],
    [400, "prompt is too long: 210000 tokens > 200000 maximum", "invalid_request_error"],
    [400, "input length and `max_tokens` exceed context limit: 199000 + 20000 > 200000", ""],
    [400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", ""],
    [400, "the request exceeds the available context size, try increasing it", ""],
    [400, "Input is too long for requested model.", ""],
    [400, "Please reduce the length of the messages or completion.", ""],
    [422, "Prompt contains 40000 tokens, too large for model with 32768 maximum context length", ""],
    [400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096.", "BadRequestError"],
    [422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", "validation"],
    [422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 3000", ""],
    [400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens.", ""],
    [400, "Invalid request: Your request exceeded model token limit: 8192", "invalid_request_error"],
    [400, "Prompt exceeds max length", "1261"],
    [400, "litellm.ContextWindowExceededError: BedrockException", ""],
    [400, "Invalid 'messages[1].content': string too long.", "string_above_max_length"],
    [413, "payload too large", ""],
    [429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 45000.", "rate_limit_exceeded"],
  ])("recognizes a request that is too long, which is not sent again unchanged: %i %s", (code, message, kind) => {
    expect(status(code, { message, code: kind })).toMatchObject({ too_long: true, retryable: false });
    expect(describeErrorObject({ message, code: code === 429 || code === 413 ? code : kind }, provider)).toMatchObject({
      too_long: true,
    });
  });

  it.each([
    [400, "Invalid value for 'temperature'"],
    [400, "tools[3].function.name is too long"],
    [400, "Invalid 'messages[2].tool_calls[0].id': string too long.", "string_above_max_length"],
    [400, "The image input is too large: 25 MB"],
    [400, "messages.3.content.0.image.source.base64: image exceeds 5 MB maximum"],
    [500, "The request took too long to process, please try again"],
    [429, "Rate limit reached: 30000 tokens per minute exceeded"],
    [401, "Incorrect API key"],
    [503, "The server is overloaded"],
  ])("does not mistake another error for a request that is too long: %i %s", (code, message, kind = "") => {
    expect(status(code, { message, code: kind }).too_long).toBeUndefined();
  });

  it("does not retry for an account without credit, although its status is 429", () => {
    expect(status(429, { message: "You exceeded your quota", code: "insufficient_quota" }).retryable).toBe(false);
  });

  it("distinguishes a request refused by a content filter from one that the model can't process", () => {
    const filtered = status(400, { message: "It was filtered", code: "content_filter" });
    expect(filtered).toMatchObject({ retryable: false, filtered: true });
    expect(filtered.message).toBe("The provider's content filter refused the request (400): It was filtered.");
    expect(describeErrorObject({ message: "no", code: "content_policy_violation" }, provider).filtered).toBe(true);
    expect(status(400, { message: "x" })).not.toHaveProperty("filtered");
  });

  it("says whose account is empty, and what helps", () => {
    const failure = status(402, { message: "Insufficient Balance" });
    expect(failure).toMatchObject({ retryable: false, reason: "no_credit" });
    expect(failure.message).toBe(
      "The account has no credit or quota left (402): Insufficient Balance. Top it up, or choose another model.",
    );
  });

  it("does not say where a redirect points to", () => {
    const answer = { status: 307, headers: new Headers(), text: "" };
    const failure = describeError(new RefusedResponse(answer, "other.example"), provider);
    expect(failure).toMatchObject({ retryable: false, reason: "model_not_found" });
    expect(failure.message).toMatch(/^What answers sends requests on to another address \(307\).*OPENAI_BASE_URL\.$/);
  });

  it("names the settings of the server that was asked", () => {
    const names = { key: "the server's key", base_url: "the server's address", model: "the model's name" };
    const refused = describeError(new RefusedResponse({ status: 401, headers: new Headers(), text: "no" }, null), {
      ...provider,
      settings: names,
    });
    expect(refused.message).toBe("The model server refused the API key (401): no. Check the server's key.");
  });

  it("passes on how long the provider asks to wait", () => {
    expect(status(429, { message: "slow" }, { "retry-after": "3" }).retry_after_ms).toBe(3000);
  });

  it("never repeats the key, whole, masked, in a header, or cut in half by the length limit", () => {
    const said = [
      `Incorrect API key provided: ${api_key}. See`,
      "Incorrect API key provided: secr*****6789",
      "Authorization: Bearer abcdefghijkl",
      `${"x".repeat(490)}${api_key}`,
      "sk-proj-abcdefghijklmnop",
    ];
    for (const message of said) {
      const shown = status(401, { message }).message;
      expect(shown).not.toMatch(/secr|6789|abcdef/);
    }
  });

  it("ends the provider's words like a sentence, even if they ended with the key", () => {
    const shown = status(401, { message: `You sent: Bearer ${api_key}` }).message;
    expect(shown).toContain("You sent: Bearer [key]. Check OPENAI_API_KEY.");
  });

  it("shortens a page of HTML to a few hundred characters on one line", () => {
    const shown = status(502, { message: `<html>\n${"x".repeat(5000)}` }).message;
    expect(shown.length).toBeLessThan(700);
    expect(shown).not.toContain("\n");
  });

  it("says why a server could not be reached, and that another attempt may succeed", () => {
    const cause = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:1") });
    const failure = describeError(cause, provider);
    expect(failure).toMatchObject({ retryable: true, code: "model_error", reason: "unreachable" });
    expect(failure.message).toBe(
      "The model server could not be reached or broke off: fetch failed (connect ECONNREFUSED [address]).",
    );
  });
});

describe("describeErrorObject", () => {
  it("uses the status in the error, or else its type", () => {
    expect(describeErrorObject({ code: 502, message: "upstream" }, provider).retryable).toBe(true);
    expect(describeErrorObject({ code: 400, message: "bad" }, provider).retryable).toBe(false);
    expect(describeErrorObject({ type: "server_error", message: "oops", code: null }, provider).retryable).toBe(true);
    expect(describeErrorObject({ type: "invalid_request_error", message: "bad" }, provider).retryable).toBe(false);
  });

  it("makes a sentence of any value", () => {
    for (const value of ["text", {}, [], 5, null, { message: { deep: 1 } }]) {
      expect(describeErrorObject(value, provider).message).toMatch(/^The model server.*\.$/);
    }
  });
});

describe("redact", () => {
  it("leaves a text without a key unchanged, even if the configured key is a common word", () => {
    const text = "The task-list is 2 * 3 items long, says ollama.";
    for (const key of ["another-key-0123456789", "ollama", ""]) expect(redact(text, [key])).toBe(text);
  });

  it.each([
    ["of an address", encodeURIComponent],
    ["of an address, in small letters", (key: string) => encodeURIComponent(key).toLowerCase()],
    ["of a form", (key: string) => new URLSearchParams({ key }).toString().slice(4)],
    ["of bytes", (key: string) => key.replace(/./g, (char) => `%${char.charCodeAt(0).toString(16)}`)],
    ["of a page", (key: string) => key.replace(/[^\w ]/g, (char) => `&#${char.charCodeAt(0)};`)],
    [
      "of a page in hexadecimal",
      (key: string) => key.replace(/\W/g, (char) => `&#x${char.charCodeAt(0).toString(16)};`),
    ],
    ["of JSON", (key: string) => JSON.stringify(key).slice(1, -1).replaceAll("/", "\\/")],
    ["of JSON in JSON", (key: string) => JSON.stringify(JSON.stringify(key)).slice(3, -3)],
    ["of JSON without signs", (key: string) => key.replace(/\W/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)],
    ["of Basic", (key: string) => `Basic ${btoa(`user:${key}`)}`],
    ["of base64", btoa],
    ["of another case", (key: string) => key.toUpperCase()],
  ])("knows a key in the writing %s", (_which, write) => {
    const key = 'Canary+key/0 1"2=&';
    expect(redact(`a key ${write(key)} is wrong`, [key])).toMatch(/^a key (?:Basic )?\[key\] is wrong$/);
  });

  it("leaves nothing of a key that begins with another one", () => {
    expect(redact("not canary-01-tail", ["canary-01", "canary-01-tail"])).toBe("not [key]");
  });
});

describe("hideAddresses", () => {
  it.each([
    ["You can find your key at https://platform.openai.com/account/api-keys.", "You can find your key at [address]."],
    ["no route to API.OpenAI.com:443/v1/responses", "no route to [address]"],
    ["eu.api.openai.com, us.openai.com", "[address], [address]"],
    ["getaddrinfo ENOTFOUND api.openai.com", "getaddrinfo ENOTFOUND [address]"],
    ["connect ECONNREFUSED 10.0.0.5:8000", "connect ECONNREFUSED [address]"],
    ["connect ECONNREFUSED ::1:8000", "connect ECONNREFUSED [address]"],
    ["connect to [fe80::1ff:fe23:4567:890a]:80 failed", "connect to [address] failed"],
    ["upstream pool.internal.corp:9000 is down", "upstream [address] is down"],
    ["see grpc://10.1.2.3/x?key=1", "see [address]"],
    ["for *.openai.com and .openai.com/x, y", "for *[address] and [address], y"],
    [
      "Host: api.openai.com. is not in the cert's altnames: DNS:*.gpu.example, DNS:gpu.example",
      "Host: [address]. is not in the cert's altnames: DNS:[address], DNS:[address]",
    ],
  ])("takes an address out of %s", (said, shown) => {
    expect(hideAddresses(said, "api.openai.com")).toBe(shown);
  });

  it.each([
    "Limit 30000, Used 28039, Requested 3906. Please try again in 3.89s.",
    "12:30:45 std::vector gpt-5.6-terra at 0.2, openai says no; file.ts and a/b/c",
  ])("leaves other words alone: %s", (said) => {
    expect(hideAddresses(said, "api.openai.com")).toBe(said);
  });

  it("takes linear time", () => {
    // A quadratic step would take longer than a test may.
    for (const piece of ["a.", "a:", ":", "x-", "1.", "ab"]) hideAddresses(piece.repeat(300_000), "api.openai.com");
  }, 120_000);

  it("knows the domain below which a host is, and hosts of one word", () => {
    expect(hideAddresses("docs.example.co.uk and other.co.uk", "api.example.co.uk")).toBe("[address] and other.co.uk");
    expect(hideAddresses("connect to vllm failed", "vllm:8000")).toBe("connect to [address] failed");
    expect(hideAddresses("a text", "the configured address")).toBe("a text");
  });
});
