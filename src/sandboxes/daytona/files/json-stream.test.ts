import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { workRoom } from "../../../lib/memory/room.ts";
import { readBytes, readStringField } from "./json-stream.ts";

function answer(body: string, piece: number, type = "application/json"): { response: Response; taken: () => number } {
  const bytes = new TextEncoder().encode(body);
  let place = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (place >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(place, place + piece));
      place += piece;
    },
  });
  return { response: new Response(stream, { headers: { "content-type": type } }), taken: () => place };
}

async function field(body: string, piece: number, type?: string): Promise<string> {
  let text = "";
  await readStringField(answer(body, piece, type).response, "output", (part) => {
    text += part;
    return true;
  });
  return text;
}

describe("readStringField", () => {
  it("reads any string, however the answer is split", async () => {
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .array(fc.constantFrom("\\", '"', "\u0001", "😀", "\ud83d", "\n", "x", "output"), { maxLength: 20 })
        .map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(value, value, fc.integer({ min: 1, max: 40 }), async (output, stdout, piece) => {
        const expected = output.toWellFormed();
        expect((await field(JSON.stringify({ stdout, exitCode: 0, output, stderr: "" }), piece)).toWellFormed()).toBe(
          expected,
        );
        // Some servers escape every character by its number.
        const escaped = [...Array(output.length).keys()].map(
          (index) => `\\u${output.charCodeAt(index).toString(16).padStart(4, "0")}`,
        );
        expect((await field(`{ "output" : "${escaped.join("")}" }`, piece)).toWellFormed()).toBe(expected);
      }),
    );
  });

  it("takes neither a value for a key nor null for a string", async () => {
    expect(await field('{"stdout":"output","stderr":"no","output":"yes"}', 3)).toBe("yes");
    expect(await field('{"output":null,"stdout":"no"}', 3)).toBe("");
    expect(await field("", 3)).toBe("");
  });

  it("reads an old daemon's plain log", async () => {
    expect(await field("\x01\x01\x01plain\n", 4, "text/plain")).toBe("\x01\x01\x01plain\n");
  });

  it("ends the transfer when the callback returns false", async () => {
    const { response, taken } = answer(JSON.stringify({ output: "x".repeat(100_000), stdout: "y" }), 100);
    await readStringField(response, "output", () => false);
    expect(taken()).toBeLessThan(1_000);
  });
});

describe("readBytes", () => {
  it("returns null above the limit without reading the rest", async () => {
    expect(await readBytes(answer("12345", 2).response, 5)).toEqual(new TextEncoder().encode("12345"));
    const { response, taken } = answer("x".repeat(100_000), 1_000);
    expect(await readBytes(response, 5_000)).toBeNull();
    expect(taken()).toBeLessThan(10_000);
  });
});

describe("the bytes of an answer", () => {
  const content = Uint8Array.from({ length: 700_000 }, (_, index) => index % 251);
  function announce(announced: number | null, size = content.length): Response {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= size) return controller.close();
        controller.enqueue(content.slice(at, Math.min(size, at + 64_000)));
        at += 64_000;
      },
    });
    return new Response(body, { headers: announced === null ? {} : { "content-length": String(announced) } });
  }

  it("are all that came, whatever length was announced", async () => {
    for (const announced of [null, 700_000, 300_000, 900_000, 1, 0, -5]) {
      expect(Buffer.from((await readBytes(announce(announced), 800_000)) ?? []).equals(content)).toBe(true);
    }
    const short = await readBytes(announce(null, 100_000), 800_000);
    expect(Buffer.from(short ?? []).equals(content.subarray(0, 100_000))).toBe(true);
  });

  it("are none if there are more than accepted, and give their room back", async () => {
    expect(await readBytes(announce(null), 650_000)).toBeNull();
    await vi.waitFor(() => expect(workRoom.held).toBe(0), 20_000);
  });
});
