import { describe, expect, it } from "vitest";
import { openByteReader } from "./byte-reader.ts";

const encoder = new TextEncoder();

function bodyOf(kind: "bytes" | "default", pieces: string[]): ReadableStream<Uint8Array> {
  const source = {
    pull(controller: ReadableByteStreamController | ReadableStreamDefaultController) {
      const piece = pieces.shift();
      if (piece !== undefined) controller.enqueue(encoder.encode(piece) as never);
      else {
        controller.close();
        if ("byobRequest" in controller) controller.byobRequest?.respond(0);
      }
    },
  };
  return kind === "bytes"
    ? new ReadableStream({ type: "bytes", ...source } as never)
    : new ReadableStream(source as never);
}

describe.each(["bytes", "default"] as const)("openByteReader on a %s stream", (kind) => {
  it("reads everything in order and ends with null", async () => {
    const reader = openByteReader(bodyOf(kind, ["one ", "two ", "x".repeat(100_000)]));
    const decoder = new TextDecoder();
    let text = "";
    for (let piece = await reader.read(); piece; piece = await reader.read())
      text += decoder.decode(piece, { stream: true });
    expect(text).toBe(`one two ${"x".repeat(100_000)}`);
    expect(await reader.read()).toBeNull();
  });

  it("ends a pending read with null when cancelled", async () => {
    const never = kind === "bytes" ? new ReadableStream({ type: "bytes" } as never) : new ReadableStream();
    const reader = openByteReader(never as ReadableStream<Uint8Array>);
    const pending = reader.read();
    await reader.cancel();
    expect(await pending).toBeNull();
  });
});
