import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readModelSettings } from "./models.ts";
import { findRepeatedName } from "./repeated-name.ts";

const SECRET = "sk-canary-0123456789";

function readServers(value: unknown) {
  return readModelSettings({ OPENAI_API_KEY: "k", MODEL_SERVERS: value });
}

function readOne(entry: unknown) {
  return readServers(JSON.stringify({ acme: entry }));
}

describe("MODEL_SERVERS", () => {
  it("names servers, with what is left out as null or empty", () => {
    const full = {
      ...{ base_url: " https://a.example/v1 ", key: ` ${SECRET} `, provider: "vLLM", api: "responses" },
      ...{ headers: { "X-Title": "Taskloom" }, extra_body: { top_k: 3 }, models: ["a", "b/c", "a"] },
      ...{ context_tokens: 9000, gateway_token: "t" },
    };
    const { servers, problem, default_server } = readServers(
      JSON.stringify({ full, bare: { base_url: "http://b:1" } }),
    );
    expect(problem).toBeNull();
    expect(default_server?.api_key).toBe("k");
    expect(Object.fromEntries(servers)).toEqual({
      full: {
        ...{
          base_url: "https://a.example/v1",
          api_key: SECRET,
          profile: "vllm",
          api: "responses",
          models: ["a", "b/c"],
        },
        ...{ headers: full.headers, extra_body: full.extra_body, context_tokens: 9000, gateway_token: "t" },
      },
      bare: {
        ...{ base_url: "http://b:1", api_key: null, profile: null, api: null, models: null, headers: {} },
        ...{ extra_body: {}, context_tokens: null, gateway_token: null },
      },
    });
  });

  it("may be missing, empty, or the object itself, as in [vars] of wrangler.toml", () => {
    for (const value of [undefined, null, "", "  ", "{}"]) {
      expect(readServers(value)).toMatchObject({ problem: null, default_server: { api_key: "k" } });
    }
    expect(readServers({ a: { base_url: "http://a" } }).servers.has("a")).toBe(true);
  });

  it.each<[string, unknown]>([
    ["is no JSON", `{"acme": {"key": "${SECRET}"`],
    ["is no object", `["${SECRET}"]`],
    ["is null", "null"],
    ["is a number", 7],
    ["has a key for a name", JSON.stringify({ [SECRET.toUpperCase()]: { base_url: "http://a" } })],
    ["has a slash in a name", '{"a/b": {"base_url": "http://a"}}'],
    ["has no name", '{"": {"base_url": "http://a"}}'],
    ["has a long name", `{"${"a".repeat(33)}": {"base_url": "http://a"}}`],
    ["has the name of every object's prototype", '{"__proto__": {"base_url": "http://a"}}'],
    ["has the name of the default server", '{"default": {"base_url": "http://a"}}'],
    ["has a name twice", `{"a": {"base_url": "http://a", "key": "${SECRET}"}, "\\u0061": {"base_url": "http://b"}}`],
    ["has a field twice", `{"a": {"base_url": "http://a", "key": "${SECRET}", "key": "1"}}`],
    ["has a key as a name twice", `{"${SECRET}!": 1, "${SECRET}!": 1}`],
    ["has too many", JSON.stringify(Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`s${n}`, {}])))],
  ])("that %s fails with a sentence without its value", (_what, value) => {
    const { problem, default_server, servers } = readServers(value);
    expect(problem).toMatch(/^The server's setting MODEL_SERVERS .*\.$/);
    expect(problem).not.toMatch(/canary/i);
    expect([default_server, servers.size]).toEqual([null, 0]);
  });

  it.each<[string, unknown]>([
    ["base_url is missing", {}],
    ["base_url", { base_url: "api.acme.example" }],
    ["base_url", { base_url: `ftp://${SECRET}@acme.example` }],
    ["key", { key: `${SECRET}\n${SECRET}` }],
    ["key", { key: "" }],
    ["key must be a text", { key: 7 }],
    ["api must be chat or responses.", { api: SECRET }],
    ["models must be a list of 1 to 500 names", { models: SECRET }],
    ["provider must be a text", { provider: 7 }],
    ["models must be a list of 1 to 500 names", { models: [] }],
    ["models.1", { models: ["a", "b c"] }],
    ["models.0", { models: ["a\u202eb"] }],
    ["context_tokens must be a whole number from 8000 to 100000000.", { context_tokens: 10 }],
    ["context_tokens must be a whole number", { context_tokens: SECRET }],
    ["unknown field keys", { keys: SECRET }],
    ["unknown field", { [SECRET]: 1 }],
    ["headers may not set Authorization", { headers: { Authorization: SECRET } }],
    ["headers may not set Content-Type", { headers: { "Content-Type": SECRET } }],
    ["headers may not set host", { headers: { host: SECRET } }],
    ["headers", { headers: { "a b": SECRET } }],
    ["headers", { headers: JSON.parse(`{"__proto__": "${SECRET}"}`) }],
    ["headers must have", { headers: { "X-A": `${SECRET}\r\nHost: evil` } }],
    ["headers has x-a twice", { headers: { "X-A": "1", "x-a": "2" } }],
    ["headers", { headers: [SECRET] }],
    ['extra_body "model" may not be set', { extra_body: { model: SECRET } }],
    ['extra_body "Api-Base" may not be set', { extra_body: { a: { "Api-Base": SECRET } } }],
    ["extra_body", { extra_body: SECRET }],
  ])("that is wrong at %s says so, without the value", (place, entry) => {
    const whole =
      typeof entry === "object" && !place.startsWith("base_url") ? { base_url: "http://a", ...entry } : entry;
    const { problem } = readOne(whole);
    expect(problem).toContain(`The server's setting MODEL_SERVERS is wrong at "acme": ${place}`);
    expect(problem).not.toContain("canary");
  });
});

describe("names in a setting in JSON", () => {
  const json = fc.jsonValue({ maxDepth: 4 });

  it("are found where one object has one twice, and nowhere else", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        expect(findRepeatedName(JSON.stringify(value, null, space))).toBeNull();
      }),
    );
    fc.assert(
      fc.property(json, fc.string(), json, (before, name, value) => {
        const pair = `${JSON.stringify(name)} :${JSON.stringify(value)}`;
        expect(findRepeatedName(`[${JSON.stringify(before)}, {${pair}, ${pair}}]`)).toBe(name);
      }),
    );
  });
});

describe("the settings of the default server", () => {
  it("are read beside its key", () => {
    const env = {
      ...{
        OPENAI_API_KEY: "k",
        MODEL_API: " Responses ",
        MODEL_HEADERS: '{"X-Title": "T"}',
        MODEL_EXTRA_BODY: '{"a": 1}',
      },
      ...{ OPENAI_MODELS: " a, b/c ,,a" },
    };
    expect(readModelSettings(env)).toMatchObject({
      default_model: "gpt-5",
      default_server: { api: "responses", headers: { "X-Title": "T" }, extra_body: { a: 1 }, models: ["a", "b/c"] },
    });
    expect(readModelSettings({ OPENAI_API_KEY: "k" }).default_server).toMatchObject({
      ...{ api: null, headers: {}, extra_body: {}, models: null, base_url: "https://api.openai.com/v1" },
    });
    expect(readModelSettings({ OPENAI_MODEL: "a/b" })).toMatchObject({ default_server: null, default_model: "a/b" });
    expect(readModelSettings({})).toMatchObject({ default_server: null, default_model: null, problem: null });
  });

  it.each([
    ["MODEL_API", "chats"],
    ["MODEL_HEADERS", "{"],
    ["MODEL_HEADERS", `{"Cookie": "${SECRET}"}`],
    ["MODEL_EXTRA_BODY", "[]"],
    ["MODEL_EXTRA_BODY", `{"STREAM": "${SECRET}"}`],
    ["MODEL_HEADERS", `{"X-A": "${SECRET}", "X-A": "1"}`],
    ["OPENAI_MODELS", "a b,c"],
    ["MODELS_ALLOWED", "a b,c"],
    ["MODELS_ALLOWED", " , "],
    ["MODELS_ALLOWED", ["gpt-5*"]],
    ["MODELS_ALLOWED", { server: "*" }],
    ["OPENAI_BASE_URL", "api.acme.example/v1"],
    ["OPENAI_BASE_URL", `ftp://${SECRET}@acme.example`],
    ["OPENAI_API_KEY", `${SECRET}\nX-A: b`],
    ["OPENAI_API_KEY", `“${SECRET}”`],
    ["AI_GATEWAY_TOKEN", `${SECRET}\u0000`],
  ])("%s fails with a sentence if it is %s", (name, value) => {
    const { problem } = readModelSettings({ [name]: value });
    expect(problem).toContain(`The server's setting ${name} `);
    expect(problem).not.toContain("canary");
  });
});
