import { describe, expect, it } from "vitest";
import { readTraceSettings } from "./traces.ts";

const SECRET = "sk-canary-0123456789";
const read = (env: Record<string, string>) =>
  readTraceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.example", ...env });

describe("the settings of traces", () => {
  it("are off without an address", () => {
    expect(readTraceSettings({ OTEL_SERVICE_NAME: "x" })).toEqual({ traces: null, trace_problem: null });
  });

  it.each([
    ["https://otel.example", "https://otel.example/v1/traces"],
    ["http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"],
    ["https://otel.example/api/public/otel", "https://otel.example/api/public/otel/v1/traces"],
    ["https://otel.example/otlp/v1/traces", "https://otel.example/otlp/v1/traces"],
    ["https://otel.example/otlp?api-version=2", "https://otel.example/otlp/v1/traces?api-version=2"],
  ])("take the address %s", (given, url) => {
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: given }).traces?.url).toBe(url);
  });

  it("are read as OpenTelemetry's libraries read them", () => {
    const { traces } = read({
      OTEL_EXPORTER_OTLP_HEADERS: `Authorization=Bearer%20${SECRET}, x-team = a=b`,
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=production,region=eu%2Cwest",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
    });
    expect(traces).toMatchObject({
      headers: { authorization: `Bearer ${SECRET}`, "x-team": "a=b" },
      resource: { "deployment.environment.name": "production", region: "eu,west" },
      service_name: "taskloom",
      ratio: 0.25,
      has_content: false,
    });
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: SECRET }, /OTEL_EXPORTER_OTLP_ENDPOINT must be an http/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: `https://a:${SECRET}@otel.example` }, /must have no user/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: SECRET }, /OTEL_EXPORTER_OTLP_HEADERS is wrong at place 1/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: `a b=${SECRET}` }, /no header can have/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: `a=${SECRET}%0d%0aevil:1` }, /no header can have/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: `Content-Type=${SECRET}` }, /each request has already/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: `content-length=5,x=${SECRET}` }, /each request has already/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: `a=%zz${SECRET}` }, /is wrong at place 1/],
    [{ OTEL_TRACES_SAMPLER_ARG: "half" }, /OTEL_TRACES_SAMPLER_ARG must be a number/],
    [{ OTEL_TRACES_SAMPLER_ARG: "1.5" }, /OTEL_TRACES_SAMPLER_ARG must be a number/],
  ])("turn traces off with a warning that quotes nothing: %j", (env, words) => {
    const { traces, trace_problem } = read(env as unknown as Record<string, string>);
    expect(traces).toBeNull();
    expect(trace_problem).toMatch(words);
    expect(trace_problem).not.toContain("canary");
  });

  it("know every secret of the others", () => {
    const servers = {
      one: { base_url: "https://m.example/v1", key: "key-of-one-1", headers: { "X-Team": "team-of-one" } },
    };
    const { traces } = read({
      OPENAI_API_KEY: SECRET,
      ENCRYPTION_KEY: "first-sealing-key,second-sealing-key",
      SOME_LATER_TOKEN: "a-later-token",
      MODEL_SERVERS: JSON.stringify(servers),
      MODEL_HEADERS: '{"X-Own": "own-header-1"}',
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=collector-key",
      OPENAI_MODEL: "a-model-of-some-name",
    });
    expect(traces?.secrets).toEqual(
      expect.arrayContaining([
        ...[SECRET, "first-sealing-key", "second-sealing-key", "a-later-token", "key-of-one-1", "team-of-one"],
        ...["own-header-1", "collector-key"],
      ]),
    );
    expect(traces?.secrets).not.toContain("a-model-of-some-name");
    expect(traces?.secrets).not.toContain("base_url");
  });
});
