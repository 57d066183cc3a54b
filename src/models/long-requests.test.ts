// Requests so long that the isolate's memory admits them by weight.
import type { ServerResponse } from "node:http";
import { afterEach, expect, it, vi } from "vitest";
import { closeServers, serve } from "../../test/fakes/model-endpoint.ts";
import { workRoom } from "../lib/memory/room.ts";
import { models } from "./index.ts";

afterEach(() => {
  vi.useRealTimers();
  closeServers();
});

/** A model server that answers when the test says so. Resolves with its address, and with the request once that has come. */
async function serveLate(): Promise<{ base_url: string; asked: Promise<ServerResponse> }> {
  const asked = Promise.withResolvers<ServerResponse>();
  return { base_url: await serve((response) => asked.resolve(response)), asked: asked.promise };
}

it("a model that thinks for long keeps no other long request out", async () => {
  const { base_url, asked } = await serveLate();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const model = models.native({ api_key: "test-key-0123456789", base_url });
  const content = "many words ".repeat(100_000);
  const request = { model: "m", messages: [{ role: "user" as const, content }], tools: [] };
  const answered = model.stream(request, () => {}, new AbortController().signal);
  const response = await asked;
  expect(workRoom.held).toBeGreaterThan(1024 * 1024);
  vi.advanceTimersByTime(9_000);
  expect(workRoom.held).toBeGreaterThan(1024 * 1024);
  vi.advanceTimersByTime(1_000);
  expect(workRoom.held).toBe(0);
  const choice = { index: 0, delta: { content: "Done." }, finish_reason: "stop" };
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(`data: ${JSON.stringify({ choices: [choice] })}\n\ndata: [DONE]\n\n`);
  expect(await answered).toMatchObject({ kind: "reply", reply: { text: "Done." } });
  expect(workRoom.held).toBe(0);
});
