// A run longer than its model's context, on the complete server: a small window, and the shop from request to link.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { rowsOfType } from "../fakes/message-rows.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom({ MODEL_CONTEXT_TOKENS: "16000" });
});
afterAll(() => taskloom.close());

const WISH = "帮我做一个电商网站";

it("completes across its summaries, which are rows and nothing else", async () => {
  const path = "/v1/threads/long/runs";
  const run = await taskloom.json<Run>("POST", `${path}?wait=1`, { message: WISH, invocation_id: "inv-long" });
  expect(run).toMatchObject({ status: "completed", result: { unfinished_tasks: 0 } });
  expect(run.result?.text).toContain("](http");
  const { data } = await taskloom.json<{ data: MessageRow[] }>("GET", "/v1/threads/long/messages?limit=200");
  const summaries = data.filter(({ type }) => type === "summary");
  expect(summaries.length).toBeGreaterThan(0);
  for (const { content } of summaries) expect(JSON.stringify(content)).toContain(`<person_message>\\n${WISH}\\n`);
  expect(data.filter(({ type }) => type === "user")).toHaveLength(1);
  expect(run.steps).toBe(data.filter(({ type }) => type === "assistant").length);
  const made = data.filter(({ content }) => JSON.stringify(content).includes('"name":"create_tasks"'));
  expect(made).toHaveLength(1);
});

it("keeps a long result whole, and the model reads on in it", async () => {
  const command = JSON.stringify({ command: "seq 1 9000" });
  const read = JSON.stringify({ result_id: "call_same_0", search: "\n4500\n" });
  const message = `[[same id]] [[tool execute_command ${command}]] [[then]] [[tool read_result ${read}]]`;
  const run = await taskloom.json<Run>("POST", "/v1/threads/dump/runs?wait=1", { message });
  expect(run).toMatchObject({ status: "completed" });
  const { data } = await taskloom.json<{ data: MessageRow[] }>("GET", "/v1/threads/dump/messages?type=tool");
  const [shown = "", found = ""] = rowsOfType(data, "tool").map(({ content }) => content.content);
  expect(shown).toContain('read_result with {"result_id":"call_same_0","offset":');
  expect(shown).not.toContain("\n4500\n");
  expect(found).toMatch(/1 lines, each with the offset/);
});
