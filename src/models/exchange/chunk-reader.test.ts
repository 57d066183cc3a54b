import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createChunkReader } from "./chunk-reader.ts";

const chunkOf = (delta: object, more: object = {}) =>
  JSON.stringify({ id: "c", choices: [{ index: 0, delta, finish_reason: null }], usage: null, ...more });

/** Reads all with one reader; what it gave is copied, since it is valid until the next call. */
function readAll(chunks: readonly string[]): unknown[] {
  const read = createChunkReader();
  return chunks.map((data) => {
    try {
      return structuredClone(read(data));
    } catch (error) {
      return error instanceof SyntaxError ? "no JSON" : error;
    }
  });
}

function parseAll(chunks: readonly string[]): unknown[] {
  return chunks.map((data) => {
    try {
      return JSON.parse(data);
    } catch {
      return "no JSON";
    }
  });
}

describe("the chunks of a reply", () => {
  const anyText = fc.oneof(fc.constantFrom(" a", " b", "", "\n", '"', "\\", "你", '","x":"', "\ud83d"), fc.string());
  const anyDelta = fc.oneof(
    anyText.map((content) => ({ content })),
    anyText.map((content) => ({ role: "assistant", content, reasoning_content: null })),
    anyText.map((reasoning) => ({ reasoning })),
    fc.tuple(anyText, anyText).map(([content, reasoning_content]) => ({ reasoning_content, content })),
    anyText.map((text) => ({ content: "x", tool_calls: [{ index: 0, function: { arguments: text } }] })),
    anyText.map((text) => ({ content: [{ type: "text", text }] })),
  );
  const anyChunk = fc.oneof(
    { weight: 8, arbitrary: anyDelta.map((delta) => chunkOf(delta)) },
    anyDelta.map((delta) => chunkOf(delta, { content: " a" })),
    // Written otherwise than `JSON.stringify` does, with a text that ends too early, and broken.
    anyDelta.map((delta) => JSON.stringify(JSON.parse(chunkOf(delta)), null, 1)),
    anyText.map((text) => chunkOf({ content: "?" }).replace("?", text)),
    anyDelta.map((delta) => chunkOf(delta).slice(0, -1)),
    // The same field twice: the last one counts.
    anyText.map((text) => `{"choices":[{"delta":{"content":${JSON.stringify(text)},"content":" a"}}]}`),
    anyText.map((text) => `{"choices":[{"delta":{"content":" a","content":${JSON.stringify(text)}}}]}`),
    fc.json(),
  );

  it("are what JSON says, whatever follows what", () => {
    fc.assert(
      fc.property(fc.array(anyChunk, { maxLength: 20 }), (chunks) => {
        expect(readAll(chunks)).toEqual(parseAll(chunks));
      }),
      { numRuns: 2000 },
    );
  });

  it("are not parsed as a whole where only the token is another one", () => {
    const read = createChunkReader();
    read(chunkOf({ content: " a" }));
    const parse = vi.spyOn(JSON, "parse");
    const given = [" b", " c"].map((content) => structuredClone(read(chunkOf({ content }))));
    const parsed = parse.mock.calls.length;
    parse.mockRestore();
    expect(parsed).toBe(0);
    expect(given).toEqual([" b", " c"].map((content) => JSON.parse(chunkOf({ content }))));
  });

  it("are parsed once each where something else changes in each of them", () => {
    const read = createChunkReader();
    const chunks = Array.from({ length: 50 }, (_, at) => chunkOf({ content: ` ${at}` }, { padding: "x".repeat(at) }));
    const parse = vi.spyOn(JSON, "parse");
    for (const chunk of chunks) read(chunk);
    const parsed = parse.mock.calls.length;
    parse.mockRestore();
    expect(parsed).toBeLessThan(60);
  });
});
