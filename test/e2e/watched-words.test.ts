// What an operator's tools get to see of a run: traces, metrics, the deep health and the log. Each word that a person, a
// model, a tool or another server says has its own mark, and none may be in any of them while content is off.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../fakes/otlp/receiver.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";

/** `canary` is in each, with the place where it was said. */
const mark = (place: string) => `canary-${place}-7f3a`;

const settings = {
  ENCRYPTION_KEY: "a sealing key of watched words",
  ALLOW_PRIVATE_URLS: "1",
  MODEL_HEADERS: JSON.stringify({ "x-route": mark("header") }),
};

let collector: OtlpReceiver;
let configured: Record<string, string>;
let taskloom: Taskloom;
let puppet: PuppetModel;

beforeAll(async () => {
  [collector, puppet] = await Promise.all([startOtlpReceiver(), startPuppetModel()]);
  taskloom = await startTaskloom({
    ...settings,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OPENAI_BASE_URL: `${puppet.baseUrl}?api-version=${mark("query")}`,
    OPENAI_API_KEY: mark("model-key"),
  });
  configured = { ...taskloom.settings };
});

afterAll(async () => {
  await taskloom.close();
  await puppet.close();
  await collector.close();
});

const calls: [name: string, input: object][] = [
  ["create_file", { path: `${mark("path")}.txt`, content: mark("file") }],
  ["execute_command", { command: `cat ${mark("path")}.txt; echo ${mark("output")}; exit 3` }],
  ["read_file", { path: `missing-${mark("missing")}` }],
  [`tool_${mark("tool").replaceAll("-", "_")}`, { what: mark("unknown") }],
  ["execute_command", { [mark("field")]: 1 }],
  ["fetch_url", { url: `http://127.0.0.1:9/${mark("page")}?key=${mark("page-query")}` }],
];

async function talk(thread_id: string): Promise<Run> {
  const ended = taskloom.json<Run>("POST", `/v1/threads/${thread_id}/runs?wait=1`, {
    message: mark("prompt"),
    metadata: { note: mark("metadata") },
  });
  for (const [place, [name, input]] of calls.entries()) {
    const call = await puppet.next();
    call.think(mark("thought"));
    call.text(mark("said"));
    // A call keeps its id if that looks like one, and spans have it.
    call.call(0, place === 0 ? "call_plain" : `call ${mark("call-id")} ${place}`, name, JSON.stringify(input));
    call.finish("tool_calls");
  }
  (await puppet.next()).refuse(429, { "retry-after-ms": "1" }, mark("refusal"));
  (await puppet.next()).refuse(400, {}, mark("provider-error"));
  return await ended;
}

describe("an operator who watches", () => {
  it("reads no word of what was said, and no secret", async () => {
    await taskloom.json("PATCH", "/v1/users/user_first", { name: mark("user") });
    await taskloom.json("POST", "/v1/projects", { project_id: "watched", name: mark("project") });
    await taskloom.json("PUT", "/v1/projects/watched/secrets/TOKEN", { value: mark("secret"), hosts: ["a.example"] });
    await taskloom.json("POST", "/v1/webhooks", { url: `http://127.0.0.1:9/${mark("hook")}`, events: ["run.failed"] });
    await taskloom.json("POST", "/v1/threads", { thread_id: "watched", project_id: "watched", title: mark("title") });
    const run = await talk("watched");
    expect(run).toMatchObject({ status: "failed", error: { code: "model_error", reason: "request_refused" } });
    await collector.until(({ attributes }) => attributes["taskloom.run.id"] === run.invocation_id);
    await taskloom.runtime.fireCron(new Date());
    const metrics = await (await taskloom.request("GET", "/v1/metrics")).text();
    const health = await (await taskloom.request("GET", "/healthz?deep=1")).text();
    const seen = { traces: collector.text, metrics, health, log: taskloom.runtime.logs.join("\n") };
    const found = Object.entries(seen).flatMap(([where, text]) =>
      [...new Set(text.match(/canary-[a-z-]+-7f3a/g))].map((word) => `${word} in ${where}`),
    );
    expect(found).toEqual([]);
    // It was played as meant: all of it happened.
    expect(collector.spans.map(({ attributes }) => attributes["gen_ai.tool.call.id"])).toContain("call_plain");
    const names = collector.spans.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["execute_tool execute_command", "execute_tool create_file"]));
    expect(names.filter((name) => name.startsWith("chat"))).toHaveLength(calls.length + 2);
  });

  it("reads what was said in four attributes if a setting asks for it, and no secret even there", async () => {
    await taskloom.runtime.restart({ ...configured, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" });
    await taskloom.json("POST", "/v1/threads", { thread_id: "told", project_id: "watched", title: mark("title") });
    const run = await talk("told");
    const root = await collector.until(({ attributes }) => attributes["taskloom.run.id"] === run.invocation_id);
    const places = new Map<string, Set<string>>();
    for (const { attributes, name } of collector.spans.filter(({ trace_id }) => trace_id === root.trace_id)) {
      for (const [key, value] of [...Object.entries(attributes), ["name", name] as const]) {
        const words = String(value).match(/canary-[a-z-]+-7f3a/g) ?? [];
        if (words.length > 0) places.set(key, new Set([...(places.get(key) ?? []), ...words]));
      }
    }
    expect([...places.keys()].sort()).toEqual([
      ...["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"],
    ]);
    const said = new Set([...places.values()].flatMap((words) => [...words]));
    for (const place of ["prompt", "said", "path", "output"]) expect(said).toContain(mark(place));
    for (const place of ["model-key", "header", "query", "secret", "hook", "user", "refusal", "provider-error"]) {
      expect(collector.text).not.toContain(mark(place));
    }
  });
});
