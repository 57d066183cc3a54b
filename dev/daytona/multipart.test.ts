import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBoundary, readParts } from "./files.ts";

interface Piece {
  name: string;
  content: Buffer;
}

function encode(parts: Piece[], boundary: string): Buffer {
  const pieces = parts.flatMap(({ name, content }) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
    content,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

async function* cut(bytes: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  for (let start = 0, index = 0; start < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(start, start + size);
    start += size;
  }
}

/** Contents made of the boundary's own characters, so that near misses are common. */
const tricky = fc
  .array(fc.constantFrom("\r", "\n", "-", "--", "b", "\r\n--b", "\r\n--", "x", "\0"), { maxLength: 30 })
  .map((texts) => Buffer.from(texts.join("")))
  .filter((content) => !content.includes("\r\n--boundary"));

describe("readParts", () => {
  it("returns every part, however the bytes are cut", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(tricky, { maxLength: 4 }), sizes, async (contents, cuts) => {
        const parts = contents.map((content, index) => ({ name: `part${index}`, content }));
        const found: Piece[] = [];
        for await (const { name, body } of readParts(cut(encode(parts, "boundary"), cuts), "boundary")) {
          const pieces: Buffer[] = [];
          for await (const piece of body) pieces.push(piece);
          found.push({ name, content: Buffer.concat(pieces) });
        }
        expect(found).toEqual(parts);
      }),
    );
  });

  it("continues with the next part when a reader leaves one early or never starts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tricky, { minLength: 1, maxLength: 4 }), fc.boolean(), async (contents, starts) => {
        const parts = contents.map((content, index) => ({ name: `part${index}`, content }));
        const names: string[] = [];
        for await (const { name, body } of readParts(cut(encode(parts, "boundary"), [7]), "boundary")) {
          names.push(name);
          if (starts) for await (const _piece of body) break;
        }
        expect(names).toEqual(parts.map(({ name }) => name));
      }),
    );
  });

  it("throws when the body ends before its last boundary", async () => {
    const whole = encode([{ name: "a", content: Buffer.from("content") }], "boundary");
    for (let length = 0; length < whole.length - 2; length += 1) {
      const read = async (): Promise<void> => {
        for await (const part of readParts(cut(whole.subarray(0, length), [5]), "boundary")) {
          for await (const _piece of part.body);
        }
      };
      await expect(read()).rejects.toThrow(/cut short/);
    }
  });
});

describe("readBoundary", () => {
  it("reads the boundary quoted and bare, and rejects other content types", () => {
    expect(readBoundary("multipart/form-data; boundary=abc")).toBe("abc");
    expect(readBoundary('multipart/form-data; charset=utf-8; boundary="a b"')).toBe("a b");
    expect(() => readBoundary("application/json")).toThrow(/multipart/);
    expect(() => readBoundary(undefined)).toThrow(/multipart/);
  });
});
