// The description of the API: which routes it has, and what a generator of clients reads of it.
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { describeApi } from "../../src/http/docs/openapi.ts";
import { problems } from "../../src/protocol/error.ts";
import { createClient } from "./http-client.ts";

interface Described {
  openapi: string;
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        requestBody?: object;
        parameters?: { in: string; name: string }[];
        responses: Record<string, { description: string; content?: object }>;
      }
    >
  >;
  components: { schemas: Record<string, object> };
}

const api = describeApi(createApp()) as unknown as Described;
const operations = Object.entries(api.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

/** Every `$ref` inside a value. */
function refsOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [String(inner)] : refsOf(inner)));
}

describe("/openapi.json", () => {
  it("describes each route that is served, and no other", () => {
    const served = createApp()
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual(served.sort());
    expect(described.length).toBeGreaterThan(30);
  });

  it("is OpenAPI 3.1 with valid references, parameters and operation names", () => {
    expect(api.openapi).toBe("3.1.0");
    for (const ref of refsOf(api)) {
      expect(ref).toMatch(/^#\/components\/schemas\//);
      expect(Object.keys(api.components.schemas)).toContain(ref.split("/").at(-1));
    }
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
    for (const { path, operation } of operations) {
      const named = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(inPath.map(({ name }) => name)).toEqual(named);
      expect(Object.values(operation.responses).every(({ description }) => description.length > 0)).toBe(true);
    }
  });

  it("describes caps wherever they are given and shown, and what a run says of them", () => {
    const fields = ["max_cost_usd", "max_total_tokens", "max_minutes"];
    const bodies = operations.flatMap(({ method, path, operation }) => {
      const text = JSON.stringify(operation.requestBody ?? {});
      return fields.every((name) => text.includes(name)) ? [`${method} ${path}`] : [];
    });
    expect(bodies.sort()).toEqual([
      "patch /v1/agents/{agent_id}",
      "patch /v1/projects/{project_id}",
      "patch /v1/triggers/{trigger_id}",
      "patch /v1/users/{user_id}",
      "post /v1/agents",
      "post /v1/projects",
      "post /v1/threads/{thread_id}/messages/{message_id}/edit",
      "post /v1/threads/{thread_id}/messages/{message_id}/edit/stream",
      "post /v1/threads/{thread_id}/messages/{message_id}/regenerate",
      "post /v1/threads/{thread_id}/messages/{message_id}/regenerate/stream",
      "post /v1/threads/{thread_id}/runs",
      "post /v1/threads/{thread_id}/runs/stream",
      "post /v1/threads/{thread_id}/runs/{invocation_id}/resume",
      "post /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream",
      "post /v1/triggers",
      "post /v1/users",
    ]);
    for (const name of [
      "RunAgentInput",
      "Agent",
      "Project",
      "Trigger",
      "NewTrigger",
      "User",
      "UserWithCounts",
      "NewUser",
    ]) {
      expect([name, JSON.stringify(api.components.schemas[name])]).toEqual([
        name,
        expect.stringMatching(/max_cost_usd.*max_total_tokens.*max_minutes/),
      ]);
    }
    for (const name of ["Run", "ListedRun"]) {
      const schema = api.components.schemas[name] as { properties: Record<string, object>; required: string[] };
      for (const field of ["reserved", "caps", "worked_ms"]) {
        expect(schema.properties).toHaveProperty(field);
        // A run has them if it has what they say.
        expect(schema.required).not.toContain(field);
      }
      const [error, usage] = [schema.properties.error, schema.properties.usage].map((each) => JSON.stringify(each));
      expect([error, usage]).toEqual([expect.stringContaining('"cap"'), expect.stringContaining('"estimated"')]);
    }
  });

  it("names for each route the statuses of success and of every problem it can answer", () => {
    for (const { path, operation } of operations) {
      const statuses = Object.keys(operation.responses);
      expect(statuses.some((status) => /^(?:2\d\d|101|302|303)$/.test(status))).toBe(true);
      expect(statuses).toContain("500");
      if (/^\/(v1|ag-ui)/.test(path)) expect(statuses).toEqual(expect.arrayContaining(["401", "503"]));
    }
    const codes = operations.flatMap(({ path, operation }) =>
      Object.entries(operation.responses).flatMap(([status, { description }]) =>
        // A deep look at the health that finds something answers 503 with what it found, and no problem.
        Number(status) < 400 || (path === "/healthz" && status === "503")
          ? []
          : description.split(", ").map((code) => [code, Number(status)] as const),
      ),
    );
    // A quota that time helps against is 429.
    const isOfTime = (code: string, status: number) => code === "quota_exceeded" && status === 429;
    for (const [code, status] of codes.filter(([code, status]) => !isOfTime(code, status))) {
      expect(problems[code as keyof typeof problems].status).toBe(status);
    }
  });

  it("is served as JSON", async () => {
    const answer = await createClient().as(null).send("GET", "/openapi.json");
    expect(Object.keys(answer.body.paths as object)).toEqual(Object.keys(api.paths));
  });
});

describe("what a generator of clients reads", () => {
  const described = api as unknown as {
    info: { contact?: object; license?: object };
    tags: { name: string; description: string }[];
  };
  const each = operations.map(({ method, path, operation }) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    operation: operation as typeof operation & {
      tags: string[];
      summary: string;
      description?: string;
      security: unknown[];
      requestBody?: { content: Record<string, object> };
      responses: Record<string, { headers?: object; content?: Record<string, { schema: object; example?: unknown }> }>;
      parameters?: { name: string; description?: string; example?: unknown; schema: Record<string, unknown> }[];
    },
  }));

  it("has a contact, a licence, and a description of each group", () => {
    expect(described.info).toMatchObject({ contact: { name: expect.any(String) }, license: { name: "MIT" } });
    const used = new Set(each.flatMap(({ operation }) => operation.tags));
    expect(described.tags.map(({ name }) => name).sort()).toEqual([...used].sort());
    for (const { name, description } of described.tags)
      expect([name, description]).toEqual([name, expect.stringMatching(/\.$/)]);
  });

  it("says of each operation what it does, beside its name and its scope", () => {
    for (const { name, operation } of each) {
      const said = (operation.description ?? "").replace(/Needs the scope .*$/, "").trim();
      expect([name, operation.tags.length, said]).toEqual([name, 1, expect.stringMatching(/.{12,}[.:]$/)]);
    }
  });

  it("says of each parameter what it is, and shows one", () => {
    for (const { name, operation } of each) {
      for (const { name: parameter, description, example, schema } of operation.parameters ?? []) {
        const shown = example ?? schema.example ?? (schema.examples as unknown[] | undefined)?.[0];
        expect([name, parameter, description, shown]).toEqual([name, parameter, expect.any(String), expect.anything()]);
        const chosen = (schema.enum as unknown[] | undefined) ?? [shown];
        expect(chosen, `${name} ${parameter}`).toContain(shown);
      }
    }
  });

  it("lists 429 with Retry-After wherever a quota or a limit of guesses is, and no operation with a key lacks one", () => {
    const open = ["/v1/terminal", "/v1/download", "/hooks/{trigger_id}", "/auth/sign-out"];
    const limited = [...open, "/integrations/slack/install", "/integrations/slack/callback"];
    for (const { name, path, operation } of each) {
      const isLimited = operation.security.length > 0 || limited.includes(path);
      const { 429: refused } = operation.responses;
      expect([name, refused !== undefined]).toEqual([name, isLimited]);
      if (refused) expect([name, Object.keys(refused.headers ?? {})]).toEqual([name, ["Retry-After"]]);
    }
  });

  it("names a 4xx of each operation that reads a request", () => {
    const always = ["GET /openapi.json", "GET /docs"];
    for (const { name, operation } of each) {
      const has = Object.keys(operation.responses).some((status) => status.startsWith("4"));
      expect([name, has]).toEqual([name, !always.includes(name)]);
    }
  });

  it("has one type for the body of each answer that succeeds", () => {
    // What Slack gets, and a download whose kind the ticket names.
    const either = ["/integrations/slack/interactivity", "/integrations/slack/commands", "/v1/download"];
    for (const { name, path, operation } of each.filter(({ path }) => !either.includes(path))) {
      const answers = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
      const types = new Set(answers.flatMap(([, { content = {} }]) => Object.keys(content)));
      expect([name, path, types.size <= 1]).toEqual([name, path, true]);
    }
  });

  it("has no pattern with a flag, which JSON Schema would read as text", () => {
    const patterns = [...JSON.stringify(api).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(([, text = ""]) =>
      String(JSON.parse(text)),
    );
    expect(patterns.length).toBeGreaterThan(10);
    expect(patterns.filter((pattern) => /\/[a-z]+$/.test(pattern))).toEqual([]);
  });

  it("names what /hooks and Slack's routes take", () => {
    const takes = (path: string) =>
      Object.keys(each.find((of) => of.path === path)?.operation.requestBody?.content ?? {});
    const form = "application/x-www-form-urlencoded";
    expect(takes("/hooks/{trigger_id}")).toEqual(["application/json", form, "text/plain"]);
    expect(takes("/integrations/slack/events")).toEqual(["application/json"]);
    expect(takes("/integrations/slack/interactivity")).toEqual([form]);
    expect(takes("/integrations/slack/commands")).toEqual([form]);
  });

  it("describes each event that a stream has", () => {
    const { oneOf } = api.components.schemas.Event as { oneOf: { properties: { type: { enum: string[] } } }[] };
    const types = oneOf.flatMap(({ properties }) => properties.type.enum);
    expect(types).toHaveLength(21);
    expect(new Set(types).size).toBe(types.length);
    const streams = each.filter(({ operation }) => "text/event-stream" in (operation.responses[200]?.content ?? {}));
    expect(streams.length).toBe(9);
    for (const { operation } of streams) {
      expect(operation.responses[200]?.content?.["text/event-stream"]?.schema).toEqual({
        $ref: "#/components/schemas/Event",
      });
    }
  });
});
