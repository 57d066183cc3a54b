import { describe, expect, it } from "vitest";
import { createApp } from "../../app.ts";
import { guessesWithoutKey, hintAt } from "./hints.ts";

const doors = {
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
    ["/swagger.json", doors.description],
    ["/api-docs", doors.description],
    ["/v3/api-docs/swagger-config", doors.description],
    ["/v1/openapi.json", doors.description],
    ["/api/v1/openapi.yaml", doors.description],
    ["/docs/openapi.json", doors.description],
    ["/Swagger/index.html", doors.description],
    ["/mcp", doors.agUi],
    ["/sse", doors.agUi],
    ["/mcp/sse", doors.agUi],
    ["/api/copilotkit", doors.agUi],
    ["/.well-known/agent-card.json", doors.agUi],
    ["/chat/completions", doors.runs],
    ["/v1/chat/completions", doors.runs],
    ["/v1/responses", doors.runs],
    ["/v1/messages", doors.runs],
    ["/.well-known/oauth-protected-resource", doors.key],
    ["/.well-known/oauth-protected-resource/mcp", doors.key],
    ["/.well-known/oauth-authorization-server", doors.key],
    ["/.well-known/openid-configuration", doors.key],
    ["/register", doors.key],
    ["/health", doors.health],
    ["/api/health", doors.health],
    ["/readyz", doors.health],
    ["/healthcheck", doors.health],
    ["/slack/events", doors.slack],
    ["/threads", doors.usual],
    ["/robots.txt", doors.usual],
    ["/v1/threads/mcp/messages/", doors.usual],
  ])("%s is told the right door", (path, door) => expect(hintAt(path)).toMatch(door));

  it("names only doors that are there", () => {
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
    expect(hintAt(`/${"v1/".repeat(300_000)}`)).toMatch(doors.usual);
    expect(hintAt(`/mcp/${"\n/".repeat(300_000)}`)).toMatch(doors.agUi);
  });
});
