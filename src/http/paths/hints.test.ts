import { describe, expect, it } from "vitest";
import { createApp } from "../../app.ts";
import { guessesWithoutKey, hintAt } from "./hints.ts";

const answers = {
  description: /GET \/openapi\.json.*\/docs/,
  agUi: /POST \/ag-ui/,
  runs: /POST \/v1\/threads\/\{thread_id\}\/runs/,
  key: /Authorization: Bearer KEY/,
  health: /GET \/healthz/,
  slack: /\/integrations\/slack\/events/,
  usual: /^The API is below \/v1/,
};

describe("who guesses", () => {
  it.each([
    ["/swagger.json", answers.description],
    ["/api-docs", answers.description],
    ["/v3/api-docs/swagger-config", answers.description],
    ["/v1/openapi.json", answers.description],
    ["/api/v1/openapi.yaml", answers.description],
    ["/docs/openapi.json", answers.description],
    ["/Swagger/index.html", answers.description],
    ["/mcp", answers.agUi],
    ["/sse", answers.agUi],
    ["/mcp/sse", answers.agUi],
    ["/api/copilotkit", answers.agUi],
    ["/.well-known/agent-card.json", answers.agUi],
    ["/chat/completions", answers.runs],
    ["/v1/chat/completions", answers.runs],
    ["/v1/responses", answers.runs],
    ["/v1/messages", answers.runs],
    ["/.well-known/oauth-protected-resource", answers.key],
    ["/.well-known/oauth-protected-resource/mcp", answers.key],
    ["/.well-known/oauth-authorization-server", answers.key],
    ["/.well-known/openid-configuration", answers.key],
    ["/register", answers.key],
    ["/health", answers.health],
    ["/api/health", answers.health],
    ["/readyz", answers.health],
    ["/healthcheck", answers.health],
    ["/slack/events", answers.slack],
    ["/threads", answers.usual],
    ["/robots.txt", answers.usual],
    ["/v1/threads/mcp/messages/", answers.usual],
  ])("%s gets the right hint", (path, hint) => expect(hintAt(path)).toMatch(hint));

  it("names only routes that exist", () => {
    const served = new Set(
      createApp().routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`),
    );
    for (const path of ["/swagger.json", "/mcp", "/v1/responses", "/health"]) {
      for (const [named] of hintAt(path).matchAll(/(?:GET|POST) \/[\w{}./-]*[\w}]/g)) expect(served).toContain(named);
    }
  });

  it("without a key shadows no route", () => {
    const paths = createApp()
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ path }) => new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`));
    for (const guess of guessesWithoutKey)
      expect([guess, paths.find((path) => path.test(guess))]).toEqual([guess, undefined]);
  });

  it("with a megabyte of path is answered at once", () => {
    expect(hintAt(`/${"v1/".repeat(300_000)}`)).toMatch(answers.usual);
    expect(hintAt(`/mcp/${"\n/".repeat(300_000)}`)).toMatch(answers.agUi);
  });
});
