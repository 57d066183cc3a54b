import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Model, ModelRequest } from "../agent/model.ts";
import { readModelSettings } from "../config/models.ts";
import { findContextTokens, findRefusal, findRoute, findSettingProblem, routeByName } from "./servers.ts";

const servers = {
  deepseek: { base_url: "https://api.deepseek.com", key: "sk-deepseek-secret", models: ["deepseek-v4-pro", "org/big"] },
  local: { base_url: "http://127.0.0.1:11434/v1", context_tokens: 9000, provider: "ollama" },
};

function settingsOf(env: Record<string, unknown> = {}) {
  const MODEL_SERVERS = JSON.stringify(servers);
  return readModelSettings({ OPENAI_API_KEY: "sk-default-secret", MODEL_SERVERS, ...env });
}

/** Where the name leads: the server and the model's name there, or the sentence that refuses it. */
function lead(name: string, env: Record<string, unknown> = {}): string {
  const routing = findRoute(settingsOf(env), name);
  return routing.ok ? `${routing.route.server_name ?? "default"}: ${routing.route.model}` : routing.message;
}

describe("the server of a model", () => {
  it.each([
    ["deepseek/deepseek-v4-pro", "deepseek: deepseek-v4-pro"],
    ["deepseek/org/big", "deepseek: org/big"],
    ["local/hf.co/unsloth/x:Q4", "local: hf.co/unsloth/x:Q4"],
    ["gpt-5", "default: gpt-5"],
    ["anthropic/claude-sonnet", "default: anthropic/claude-sonnet"],
    ["DEEPSEEK/deepseek-v4-pro", "default: DEEPSEEK/deepseek-v4-pro"],
    [" deepseek/x", "default:  deepseek/x"],
    ["../deepseek/x", "default: ../deepseek/x"],
    ["http://evil.example/v1", "default: http://evil.example/v1"],
    ["__proto__/x", "default: __proto__/x"],
    ["constructor/x", "default: constructor/x"],
    ["/x", "default: /x"],
    ["deepseek", "default: deepseek"],
    ["m".repeat(200), `default: ${"m".repeat(200)}`],
  ])("of %j is found by the part before the first slash", (name, expected) => {
    expect(lead(name)).toBe(expected);
  });

  it("is one of those that the operator named, whatever the name", () => {
    const known = ["default", ...Object.keys(servers)];
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.constantFrom("", ...known), (rest, first) => {
        const routing = findRoute(settingsOf(), first === "" ? rest : `${first}/${rest}`);
        if (routing.ok) {
          expect(known).toContain(routing.route.server_name ?? "default");
        } else {
          expect(routing.message).not.toMatch(/secret|api\.deepseek|127\.0\.0\.1/);
        }
      }),
    );
  });

  it("refuses a model that its list leaves out, and says which there are", () => {
    const refusal =
      '"deepseek/other" can\'t be chosen here. Models that can: deepseek/deepseek-v4-pro, deepseek/org/big.';
    expect(lead("deepseek/other")).toBe(refusal);
    expect(findRefusal(settingsOf(), "deepseek/other")).toBe(refusal);
    expect(findRefusal(settingsOf(), "local/any")).toBeNull();
    const listed = { OPENAI_MODEL: "gpt-5", OPENAI_MODELS: "gpt-5-mini, anthropic/claude" };
    expect(lead("o3", listed)).toBe('"o3" can\'t be chosen here. Models that can: gpt-5-mini, anthropic/claude.');
    expect(lead("gpt-5", listed)).toBe("default: gpt-5");
    expect(lead("deepseek/")).toBe('"deepseek/" names no model.');
    expect(lead("deepseek/other", { OPENAI_MODEL: "deepseek/other" })).toBe("deepseek: other");
  });

  it("is one that the operator allows, or the default; the name counts as people write it", () => {
    const allowed = { OPENAI_MODEL: "o3", MODELS_ALLOWED: "gpt-5*, openrouter/anthropic/*,local/*" };
    for (const name of ["o3", "gpt-5", "gpt-5-mini", "local/any/thing"]) {
      expect(findRefusal(settingsOf(allowed), name)).toBeNull();
    }
    expect(lead("openrouter/anthropic/claude", allowed)).toBe("default: openrouter/anthropic/claude");
    for (const name of [
      "o3-pro",
      "GPT-5",
      "deepseek/deepseek-v4-pro",
      "xlocal/a",
      "LOCAL/a",
      " gpt-5",
      "openrouter/x",
    ]) {
      const message = `${JSON.stringify(name)} is not allowed on this server. Models that are: o3, gpt-5*, openrouter/anthropic/*, local/*.`;
      expect(findRoute(settingsOf(allowed), name)).toEqual({ ok: false, reason: "not_allowed", message });
      expect(findRefusal(settingsOf(allowed), name)).toBe(message);
    }
    // Both lists hold.
    const both = { ...allowed, OPENAI_MODELS: "gpt-5-mini" };
    expect(lead("gpt-5", both)).toMatch(/can't be chosen/);
    expect(lead("gpt-5-mini", both)).toBe("default: gpt-5-mini");
  });

  it("may be missing: then the sentence names the setting and the servers that there are", () => {
    const none = { OPENAI_API_KEY: "" };
    expect(lead("x", { ...none, MODEL_SERVERS: "" })).toContain("OPENAI_API_KEY");
    expect(lead("x", { ...none, OPENAI_MODEL: "local/a" })).toMatch(/^"x" is at no server: .*deepseek, local/);
    expect(lead("none", none)).toMatch(/^No model is chosen: .*deepseek, local/);
    expect(lead("local/a", none)).toBe("local: a");
  });
});

describe("a wrong setting", () => {
  it("fails every name with a sentence on it, and refuses no agent", () => {
    for (const env of [
      { MODEL_SERVERS: "{" },
      { MODEL_SERVERS: JSON.stringify({ a: { base_url: "https://a.example", provider: "openia" } }) },
      { MODEL_PROFILE: "ollamma" },
    ]) {
      const problem = findSettingProblem(settingsOf(env));
      expect(problem).toMatch(/^The server's setting MODEL_(?:SERVERS|PROFILE) /);
      for (const name of ["gpt-5", "a/b"]) expect(lead(name, env)).toBe(problem);
      expect(findRefusal(settingsOf(env), "gpt-5")).toBeNull();
    }
    expect(findSettingProblem(settingsOf())).toBeNull();
  });
});

describe("the context of a model", () => {
  it("is its server's, else by the name that the server knows", () => {
    const tokens = (name: string, env = {}) => findContextTokens(settingsOf(env), name);
    expect(tokens("local/gpt-4o")).toBe(9000);
    expect(tokens("deepseek/deepseek-v4-pro")).toBe(1_000_000);
    expect(tokens("gpt-5", { MODEL_CONTEXT_TOKENS: "20000" })).toBe(20_000);
    expect(tokens("deepseek/deepseek-v4-pro", { MODEL_CONTEXT_TOKENS: "20000" })).toBe(1_000_000);
    expect(tokens("deepseek/refused")).toBeGreaterThan(8000);
  });
});

describe("a model that routes by name", () => {
  it("asks no server for a name that the operator does not allow, and says so as a reason", async () => {
    const model = routeByName(settingsOf({ MODELS_ALLOWED: "gpt-5" }), () => {
      throw new Error("a server was opened");
    });
    const request = { model: "local/a", messages: [], tools: [] } as ModelRequest;
    const outcome = await model.stream(request, () => {}, new AbortController().signal);
    expect(outcome).toMatchObject({
      kind: "failure",
      failure: { code: "model_error", reason: "not_allowed", retryable: false },
    });
  });

  it("opens a server at its first request, once, and gives it the name that it knows", async () => {
    const opened: string[] = [];
    const asked: string[] = [];
    const model = routeByName(settingsOf(), ({ base_url }): Model => {
      opened.push(base_url);
      return {
        stream: async (request) => {
          asked.push(request.model);
          return { kind: "failure", failure: { code: "model_error", message: "", retryable: true, retry_after_ms: 1 } };
        },
      };
    });
    const ask = (name: string) =>
      model.stream({ model: name, messages: [], tools: [] } as ModelRequest, () => {}, new AbortController().signal);
    for (const name of ["local/a", "local/b", "gpt-5", "anthropic/c"]) await ask(name);
    expect(opened).toEqual([servers.local.base_url, "https://api.openai.com/v1"]);
    expect(asked).toEqual(["a", "b", "gpt-5", "anthropic/c"]);
    const refused = await ask("deepseek/none");
    expect(refused).toMatchObject({ failure: { retryable: false, reason: "model_not_found" } });
    expect(opened).toHaveLength(2);
  });
});
