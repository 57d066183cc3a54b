// Requests so long that the isolate's memory admits them by weight.
import type { ServerResponse } from "node:http";
import { afterEach, expect, it, vi } from "vitest";
import { closeServers, replyOf, serve, stream, text } from "../../test/fakes/model-endpoint.ts";
import type { ModelDelta, ModelOutcome } from "../agent/model.ts";
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

it("a very long reply is read on when the other one has ended, and both come whole", async () => {
  const piece = "p".repeat(64 * 1024);
  const asked: ServerResponse[] = [];
  const base_url = await serve((response) => {
    asked.push(response);
    stream(response).write(Array.from({ length: 9 }, () => text(piece)).join(""));
  });
  const model = models.native({ api_key: "test-key-0123456789", base_url });
  const request = { model: "m", messages: [{ role: "user" as const, content: "Say much." }], tools: [] };
  const open = () => {
    const reply = { pieces: 0, outcome: Promise.withResolvers<ModelOutcome>() };
    const count = (delta: ModelDelta): void => {
      if (delta.type === "text") reply.pieces += delta.text.length / piece.length;
    };
    void model.stream(request, count, new AbortController().signal).then(reply.outcome.resolve);
    return reply;
  };
  const end = async ({ outcome }: ReturnType<typeof open>): Promise<void> => {
    asked.shift()?.end(`${text(piece, "stop")}data: [DONE]\n\n`);
    expect(replyOf(await outcome.promise).text === piece.repeat(10)).toBe(true);
  };
  const first = open();
  await vi.waitFor(() => expect(first.pieces).toBe(9), 10_000);
  const second = open();
  await vi.waitFor(() => expect(second.pieces).toBeGreaterThan(3), 10_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(second.pieces).toBeLessThan(9);
  await end(first);
  await end(second);
});
