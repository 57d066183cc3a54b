// Whatever way the network splits a stream of the Responses API, the reply and the sum of its deltas are the same.
import fc from "fast-check";
import { expect, it } from "vitest";
import { streamEvents } from "../../../test/contract/models/responses-streams.ts";
import type { WireRequest } from "../../../test/contract/models/wire.ts";
import type { ModelDelta, ModelOutcome } from "../../agent/model.ts";
import { models } from "../index.ts";

const planned = {
  reasoning: "Zwei Dateien — 两个文件 🧵.",
  text: "Ich lese beide 📚.\n\nThen the sum.",
  calls: [
    { name: "read", arguments: { path: "ä.txt", data: "data: [DONE]\n\n" } },
    { name: "read", arguments: { path: "b.txt" } },
  ],
  usage: { input: 10, output: 5 },
};
const { chunks } = streamEvents(planned, 0, { body: {} } as WireRequest, {
  encrypt: (id) => `gAAA.${id}`,
  phases: true,
});
const lines = chunks.map(
  (chunk) => `event: ${String((chunk as { type: string }).type)}\r\ndata: ${JSON.stringify(chunk)}\r\n\r\n`,
);
const bytes = new TextEncoder().encode(`: hello\n\n${lines.join("")}`);

async function read(cuts: number[]): Promise<{ outcome: ModelOutcome; added: string }> {
  const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length];
  const pieces = places.slice(1).map((end, at) => bytes.slice(places[at], end));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else if (piece.length > 0) controller.enqueue(piece);
      else return this.pull?.(controller);
    },
  });
  const model = models.native({
    api_key: "key-0123456789",
    base_url: "https://house.example/v1",
    api: "responses",
    fetch: async () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
  });
  const deltas: ModelDelta[] = [];
  const request = {
    model: "gpt-6.1-sol",
    messages: [{ role: "user" as const, content: "hi" }],
    tools: [{ name: "read", description: "", parameters: { type: "object" } }],
  };
  const outcome = await model.stream(request, (delta) => deltas.push(delta), new AbortController().signal);
  const texts = deltas.map((delta) => (delta.type === "tool_call" ? `[${delta.id} ${delta.name}]` : delta.text));
  return { outcome, added: texts.join("") };
}

it("gives the same reply for each split of its bytes", async () => {
  const whole = await read([]);
  expect(whole.outcome).toMatchObject({
    kind: "reply",
    reply: { text: planned.text, reasoning: planned.reasoning, finish: "tool_calls" },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 40 }), async (cuts) => {
      expect(await read(cuts)).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});
