import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { protectedFields } from "./body-fields.ts";
import { modelOptions } from "./model-options.ts";

/** What is wrong with the fields; null if they may be sent. */
function faultOf(extra_body: unknown): string | null {
  const read = modelOptions.safeParse({ extra_body });
  return read.success ? null : (read.error.issues[0]?.message ?? "");
}

describe("an agent's model options", () => {
  it("may all be left out, and are kept as they are", () => {
    for (const options of [
      {},
      { reasoning_effort: "xhigh", max_output_tokens: 1 },
      { extra_body: { thinking: { type: "disabled" }, top_k: 20, chat_template_kwargs: { enable_thinking: false } } },
      { extra_body: { provider: { order: ["azure"], data_collection: "deny" }, parallel_tool_calls: false } },
      { extra_body: { stop: ["https", "http: ", "file: a", "HTTP/1.1"], text: { format: { type: "text" } } } },
      { extra_body: { plugins: [{ id: "web", max_results: 3 }, { id: "response-healing" }] } },
      { extra_body: { prompt_cache_key: "k", verbosity: "low", stop: ["a/b"], metadata: { team: "shop" } } },
      { extra_body: {} },
    ]) {
      expect(modelOptions.parse(options)).toEqual(options);
    }
  });

  it.each([
    [{ reasoning_effort: "huge" }],
    [{ reasoning_effort: null }],
    [{ max_output_tokens: 0 }],
    [{ max_output_tokens: 1.5 }],
    [{ max_output_tokens: 1_000_001 }],
    [{ max_output_tokens: "100" }],
    [{ effort: "low" }],
    [{ extra_body: [] }],
    [{ extra_body: null }],
    [{ extra_body: "model" }],
  ])("refuse %j", (options) => {
    expect(modelOptions.safeParse(options).success).toBe(false);
  });
});

describe("fields for the body", () => {
  it("never have a protected name, however it is written", () => {
    const writings = [
      (name: string) => name,
      (name: string) => name.toUpperCase(),
      (name: string) => name.replaceAll("_", "-"),
      (name: string) => name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      (name: string) => `${name} `,
      (name: string) => `\u200b${name}`,
      (name: string) => name.replace(/^[a-z]/, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...protectedFields), fc.constantFrom(...writings), (name, write) => {
        expect(faultOf({ ok: 1, [write(name)]: 1 })).toBe(`${JSON.stringify(write(name))} may not be set here`);
      }),
    );
  });

  it.each([
    ["an address at any depth", { a: [{ b: { Api_Base: "x" } }] }, '"Api_Base"'],
    ["a key at any depth", { metadata: { apiKey: "x" } }, '"apiKey"'],
    ["a cloud's endpoint", { aws_sts_endpoint: "x" }, '"aws_sts_endpoint"'],
    ["a logger's host", { metadata: { langfuse_host: "x" } }, '"langfuse_host"'],
    ["the body of the body", { extra_body: { model: "x" } }, '"extra_body"'],
    ["a file that a proxy reads", { x: "oidc/file//etc/passwd" }, '"x"'],
    ["a secret of a proxy", { x: "os.environ/KEY" }, '"x"'],
    ["an address as a value", { provider: { x: ["HTTP://evil.example"] } }, '"x"'],
    ["an address without a scheme", { x: "//evil.example" }, '"x"'],
    ["several addresses or keys", { x: { base_urls: [], api_keys: ["k"] } }, '"base_urls"'],
    ["an address to call back", { x: { webhook: "evil.example" } }, '"webhook"'],
    ["an address with less than two slashes", { x: "http:evil.example" }, '"x"'],
    ["a file of the server", { x: "file:/etc/passwd" }, '"x"'],
    ["an address with what a parser of addresses drops", { x: "\u0001ht\ntps:\t//evil.example" }, '"x"'],
    [
      "a template, also among a template's arguments",
      { chat_template_kwargs: { chat_template: "x" } },
      '"chat_template"',
    ],
    ["a cache of another machine", { vllm_xargs: { kv_transfer_params: {} } }, '"kv_transfer_params"'],
    ["another model at any depth", { providerOptions: { gateway: { models: ["a/b"] } } }, '"models"'],
    ["models under another name", { plugin: [{ analysis_models: ["a/b"] }] }, '"analysis_models"'],
    ["a plugin that asks models of its own choice", { plugins: [{ id: "web" }, { id: "fusion" }] }, '"plugins"'],
    ["a plugin without a name", { Plugins: [{}] }, '"plugins"'],
    ["something else in place of plugins", { plugins: "fusion" }, '"plugins"'],
    ["another's session", { session_params: { id: "1" } }, '"session_params"'],
    ["a prototype", JSON.parse('{"a": {"__proto__": {"model": 1}}}'), '"__proto__"'],
    ["a prototype at the top", JSON.parse('{"__proto__": {"model": 1}}'), '"__proto__"'],
    ["a name that is none", { "a b": 1 }, '"a b"'],
    ["an empty name", { "": 1 }, '""'],
  ])("may not be %s, and the sentence names it", (_what, fields, named) => {
    expect(faultOf(fields)).toContain(named);
  });

  it("are bounded in size and depth, and well-formed", () => {
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
    expect(faultOf(deep(16))).toBeNull();
    expect(faultOf(deep(17))).toContain("deeper than 16");
    expect(faultOf({ a: "x".repeat(8100) })).toBeNull();
    expect(faultOf({ a: "x".repeat(8192) })).toContain("larger than 8192");
    expect(faultOf({ a: "\ud800" })).toContain("Unicode");
    expect(faultOf({ a: { "\ud800": 1 } })).toContain("Unicode");
  });
});
