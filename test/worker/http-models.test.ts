// Models over HTTP: the list of what may be chosen, and which names and options of models an agent or a run may have.
import { describe, expect, it } from "vitest";
import { type Client, createClient } from "./http-client.ts";

const SECRET = "sk-canary-0123456789";
/** Nobody listens there. */
const address = "http://127.0.0.1:9/v1";

const MODEL_SERVERS = JSON.stringify({
  listed: { base_url: address, key: SECRET, headers: { "X-Team": SECRET }, models: ["one", "org/two"] },
  down: { base_url: address, key: SECRET },
});

async function caller(user_id: string, settings: Record<string, string> = { MODEL_SERVERS }): Promise<Client> {
  return createClient(settings).addUser(user_id);
}

describe("GET /v1/models", () => {
  it("lists the models of all servers that answer, the default first, and names those that don't", async () => {
    const client = await caller("user_models");
    const { status, body, text } = await client.send("GET", "/v1/models");
    expect(status).toBe(200);
    expect(body).toEqual({
      data: [
        { id: "scripted-demo", is_default: true, price: null },
        { id: "taskloom-scripted-demo", is_default: false, price: null },
        { id: "listed/one", is_default: false, price: null },
        { id: "listed/org/two", is_default: false, price: null },
      ],
      incomplete: ["down"],
    });
    expect(text).not.toMatch(/canary|127\.0\.0\.1|owned_by/);
  });

  it("says what each model costs, if somebody has said it", async () => {
    const openai = { base_url: "https://api.openai.com/v1", models: ["gpt-5.5", "gpt-99"] };
    const client = await caller("user_models_prices", {
      MODEL_SERVERS: JSON.stringify({ openai }),
      MODEL_PRICES: JSON.stringify({ "openai/gpt-99": 7, "*scripted*": { input: 1, cached_input: 0, output: 2 } }),
    });
    const { body } = await client.send("GET", "/v1/models");
    const free = { input: 1, cached_input: 0, output: 2 };
    expect(body.data?.map(({ id, price }) => [id, price])).toEqual([
      ["scripted-demo", free],
      ["taskloom-scripted-demo", free],
      ["openai/gpt-5.5", { input: 5, cached_input: 0.5, output: 30 }],
      ["openai/gpt-99", { input: 7, cached_input: 7, output: 7 }],
    ]);
  });

  it("needs a key and takes no query", async () => {
    const client = await caller("user_models_key");
    expect((await client.as(null).send("GET", "/v1/models")).status).toBe(401);
    expect((await client.send("GET", "/v1/models?url=http://evil.example")).body.code).toBe("unknown_field");
  });

  it("says which setting is wrong, and nothing of its value", async () => {
    const client = await caller("user_models_wrong", { MODEL_SERVERS: `{"a": {"base_url": "${SECRET}"}}` });
    const { status, body } = await client.send("GET", "/v1/models");
    expect([status, body.code]).toEqual([503, "not_configured"]);
    expect(body.detail).toBe(
      'The server\'s setting MODEL_SERVERS is wrong at "a": base_url must be an http or https address.',
    );
    // An agent can still be made: its runs say the same.
    expect((await client.send("POST", "/v1/agents", { name: "A", model: "a/b" })).status).toBe(201);
  });
});

describe("the model of an agent or a run", () => {
  it("may be any name at a server without a list, and of one with a list only those", async () => {
    const client = await caller("user_names");
    for (const model of [
      "down/any/thing",
      "listed/org/two",
      "../x",
      "http://evil/v1",
      "LISTED/x",
      "__proto__/x",
      "gpt",
    ]) {
      expect((await client.send("POST", "/v1/agents", { name: "A", model })).status).toBe(201);
    }
    const refused = { status: 400, body: { code: "invalid_field" } };
    for (const model of ["listed/other", "listed/", "listed/../one", "listed/ONE"]) {
      for (const [path, body] of [
        ["/v1/agents", { name: "A", model }],
        ["/v1/agents", { name: "A", fallback_models: ["listed/one", model] }],
        ["/v1/threads/t/runs", { message: "hi", model }],
      ] as const) {
        const answer = await client.send("POST", path, body);
        expect(answer).toMatchObject(refused);
        expect(answer.body.detail).toMatch(
          /can't be chosen here\. Models that can: listed\/one, listed|names no model/,
        );
      }
    }
    expect((await client.send("PATCH", "/v1/agents/agent_default", { model: "listed/no" })).status).toBe(400);
    expect((await client.send("POST", "/v1/agents", { name: "A", model: "m".repeat(201) })).status).toBe(400);
  });
});

describe("an agent's model_options", () => {
  it("are kept with each version, replaced as a whole, compared and rolled back", async () => {
    const client = await caller("user_options");
    const first = { reasoning_effort: "high", extra_body: { thinking: { type: "enabled" } } };
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A", model_options: first });
    const changed = await client.send("PATCH", "/v1/agents/a", { model_options: { max_output_tokens: 5 } });
    expect(changed.body).toMatchObject({ version: 2, model_options: { max_output_tokens: 5 } });
    expect((await client.send("PATCH", "/v1/agents/a", { max_steps: 7 })).body).toMatchObject({
      model_options: { max_output_tokens: 5 },
    });
    expect((await client.send("GET", "/v1/agents/a/compare?from=1&to=3")).body.changes).toContainEqual({
      field: "model_options",
      from: first,
      to: { max_output_tokens: 5 },
    });
    const back = await client.send("POST", "/v1/agents/a/rollback", { version: 1 });
    expect(back.body).toMatchObject({ version: 4, model_options: first });
    expect((await client.send("GET", "/v1/agents/agent_default")).body.model_options).toEqual({});
  });

  it.each<[object | string, string]>([
    [{ reasoning_effort: "huge" }, "model_options.reasoning_effort"],
    [{ max_output_tokens: 0 }, "model_options.max_output_tokens"],
    [{ extra_body: { model: "x" } }, '"model" may not be set here'],
    [{ extra_body: { MODEL: "x" } }, '"MODEL" may not be set here'],
    [{ extra_body: { extra_body: { model: "x" } } }, '"extra_body" may not be set here'],
    [{ extra_body: { a: { b: [{ base_url: "x" }] } } }, '"base_url" may not be set here'],
    [{ extra_body: { user_config: {} } }, '"user_config" may not be set here'],
    ['{"extra_body": {"__proto__": {"stream": false}}}', '"__proto__" may not be set here'],
    [{ extra_body: { a: "https://evil.example" } }, '"a" may not be an address'],
    [{ extra_body: { a: "x".repeat(9000) } }, "larger than 8192"],
    [{ extra_body: [1] }, "must be a JSON object"],
  ])("%j is refused with the field's name", async (options, detail) => {
    const client = createClient();
    const json = typeof options === "string" ? options : JSON.stringify(options);
    for (const [method, path] of [
      ["POST", "/v1/agents"],
      ["PATCH", "/v1/agents/agent_default"],
    ] as const) {
      const answer = await client.send(method, path, `{"name": "A", "model_options": ${json}}`);
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
      expect(answer.body.detail).toContain(detail);
    }
  });
});

describe("the operator's limits", () => {
  const settings = { MODEL_SERVERS, MODELS_ALLOWED: "listed/*", MAX_STEPS: "50" };

  it("refuse what a run, an agent or its fallbacks may not name, with the reason, and store nothing", async () => {
    const client = await caller("user_allowed", settings);
    const refusal = '"down/any" is not allowed on this server. Models that are: scripted-demo, listed/*.';
    for (const [method, path, body] of [
      ["POST", "/v1/agents", { agent_id: "a", name: "A", model: "down/any" }],
      ["PATCH", "/v1/agents/agent_default", { fallback_models: ["listed/one", "down/any"] }],
      ["POST", "/v1/threads/t/runs", { message: "hi", model: "down/any" }],
    ] as const) {
      const answer = await client.send(method, path, body);
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
      expect(answer.body.detail).toContain(refusal);
    }
    expect((await client.send("GET", "/v1/agents/a")).status).toBe(404);
    expect((await client.send("GET", "/v1/threads/t")).status).toBe(404);
    const listed = (await client.send("GET", "/v1/models")).body.data ?? [];
    expect(listed.map(({ id }) => id)).toEqual(["scripted-demo", "listed/one", "listed/org/two"]);
    const allowed = { agent_id: "a", name: "A", model: "listed/one", fallback_models: ["scripted-demo"] };
    expect((await client.send("POST", "/v1/agents", allowed)).status).toBe(201);
  });

  it("refuse more steps than the ceiling, and leave agents that say nothing of them", async () => {
    const client = await caller("user_steps", settings);
    for (const [method, path, body] of [
      ["POST", "/v1/agents", { name: "A", max_steps: 51 }],
      ["PATCH", "/v1/agents/agent_default", { max_steps: 1000 }],
      ["POST", "/v1/threads/t/runs", { message: "hi", max_steps: 51 }],
    ] as const) {
      const answer = await client.send(method, path, body);
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
      expect(answer.body.detail).toContain("max_steps: must be at most 50, which the server's MAX_STEPS says");
    }
    expect((await client.send("POST", "/v1/agents", { name: "A" })).body).toMatchObject({ max_steps: 100 });
    expect((await client.send("POST", "/v1/agents", { name: "A", max_steps: 50 })).status).toBe(201);
    expect((await client.send("PATCH", "/v1/agents/agent_default", { name: "B" })).status).toBe(200);
  });
});
