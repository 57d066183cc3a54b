import { expect, it } from "vitest";
import { chatWire } from "../chat/wire.ts";
import { readReply } from "./reply-body.ts";
import type { RequestGuard } from "./request-guard.ts";

const KIB = 1024;

it.each([
  ["an event that has not ended", "text/event-stream", "data: "],
  ["a body that is one value", "application/json", '{"a":"'],
])("replies of which %s is long share what all may hold, and all come to their end", async (_, type, start) => {
  const LENGTH = 1024 * KIB;
  const held = new Map<number, number>();
  let most = 0;
  const guard = { reason: null, touch: () => {}, onStop: () => {} } as unknown as RequestGuard;
  const read = async (at: number): Promise<string> => {
    const piece = new TextEncoder().encode("x".repeat(32 * KIB));
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const length = held.get(at) ?? 0;
          if (length === 0) controller.enqueue(new TextEncoder().encode(start));
          if (length >= LENGTH) return controller.close();
          held.set(at, length + piece.byteLength);
          most = Math.max(
            most,
            [...held.values()].reduce((sum, each) => sum + each, 0),
          );
          controller.enqueue(piece);
        },
      },
      { highWaterMark: 0 },
    );
    const response = new Response(body, { headers: { "content-type": type } });
    const builder = chatWire.createReply(() => {}, { max_characters: 10_000, tool_names: [], ends: [] });
    const end = await readReply(response, chatWire, builder, guard);
    held.delete(at);
    return end;
  };
  const ends = await Promise.all(Array.from({ length: 10 }, (_each, at) => read(at)));
  expect(ends).toEqual(Array.from({ length: 10 }, () => "cut"));
  expect(most).toBeLessThan(6_000 * KIB);
});
