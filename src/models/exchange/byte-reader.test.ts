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

describe("the buffer of openByteReader", () => {
  /** The sizes that a stream is offered which fills `filled` reads, and then sends a byte each. */
  async function sizesOffered(filled: number, reads: number, most_bytes?: number): Promise<number[]> {
    const sizes: number[] = [];
    const body = new ReadableStream({
      type: "bytes",
      pull({ byobRequest }: ReadableByteStreamController) {
        const size = byobRequest?.view?.byteLength ?? 0;
        sizes.push(size);
        byobRequest?.respond(sizes.length <= filled ? size : 1);
      },
    } as never);
    const reader = openByteReader(body as ReadableStream<Uint8Array>, most_bytes);
    for (let read = 0; read < reads; read++) await reader.read();
    return sizes;
  }

  it("stays small for a stream of single tokens, and doubles where reads fill it", async () => {
    expect(await sizesOffered(0, 3)).toEqual([2048, 2048, 2048]);
    expect(await sizesOffered(2, 4)).toEqual([2048, 4096, 8192, 8192]);
    expect(await sizesOffered(9, 8)).toEqual([2048, 4096, 8192, 16_384, 32_768, 32_768, 32_768, 32_768]);
    expect(await sizesOffered(9, 3, 3000)).toEqual([2048, 3000, 3000]);
  });

  it("is not written to again before the bytes that filled it are used", async () => {
    let next = 0;
    const body = new ReadableStream({
      type: "bytes",
      pull({ byobRequest }: ReadableByteStreamController) {
        const view = byobRequest?.view as Uint8Array;
        view.fill(++next);
        byobRequest?.respond(view.byteLength);
      },
    } as never);
    const reader = openByteReader(body as ReadableStream<Uint8Array>);
    const first = await reader.read();
    const pending = reader.read();
    expect(first?.every((byte) => byte === 1)).toBe(true);
    await pending;
  });
});
