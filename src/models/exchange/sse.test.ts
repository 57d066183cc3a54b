import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseParser } from "./sse.ts";

const encoder = new TextEncoder();

function parse(chunks: Uint8Array[], limit = 10_000): string[] {
  const events: string[] = [];
  const parser = createSseParser((data) => events.push(data), limit);
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return events;
}

const parseText = (text: string, limit?: number) => parse([encoder.encode(text)], limit);

describe("createSseParser", () => {
  it("reads events that LF or CRLF separates", () => {
    expect(parseText("data: a\n\ndata: b\r\n\r\ndata: c\n\n")).toEqual(["a", "b", "c"]);
  });

  it("joins the lines of one event and removes one space after the colon", () => {
    expect(parseText("data: a\ndata:b\ndata:  c\ndata\n\n")).toEqual(["a\nb\n c\n"]);
  });

  it("ignores comments, other fields, names that only begin with data, and events without data", () => {
    expect(parseText(": ping\n\nevent: x\nid: 1\nretry: 5\ndatabase: y\n\ndata: z\n\n")).toEqual(["z"]);
  });

  it("delivers the last event even if no blank line closes it", () => {
    expect(parseText("data: a\n\ndata: [DONE]")).toEqual(["a", "[DONE]"]);
  });

  it("drops a byte order mark", () => {
    expect(parseText("\ufeffdata: a\n\n")).toEqual(["a"]);
  });

  it("refuses a line, or an event of many lines, over its limit", () => {
    expect(() => parseText(`data: ${"x".repeat(200)}`, 100)).toThrow(RangeError);
    expect(() => parseText("data: 1234567890\n".repeat(20), 100)).toThrow(RangeError);
  });

  it("holds no more than its limit while an endless line arrives", () => {
    const parser = createSseParser(() => {}, 1000);
    const push = () => {
      for (let count = 0; count < 20; count++) parser.push(encoder.encode("x".repeat(100)));
    };
    expect(push).toThrow(RangeError);
  });

  it("gives the same events however the bytes are split, even inside a character", () => {
    const piece = fc.constantFrom(
      "data: ",
      "data:",
      "\n",
      "\r\n",
      "\n\n",
      ": c",
      "帮我",
      "😀",
      "{}",
      "x",
      " ",
      "event: e",
    );
    const split = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), split, (pieces, sizes) => {
        const bytes = encoder.encode(pieces.join(""));
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(bytes.slice(at, at + size));
          at += size;
        }
        expect(parse(chunks)).toEqual(parse([bytes]));
      }),
    );
  });
});

it("reads the field in which older llama.cpp ends a stream", () => {
  const events: string[] = [];
  const parser = createSseParser((data) => events.push(data), 1000);
  parser.push(encoder.encode('data: {"a":1}\n\nerror: {"code":400,"message":"too long"}\n\nerror: no object\n\n'));
  parser.end();
  expect(events).toEqual(['{"a":1}', '{"code":400,"message":"too long"}']);
});

it("says how much of an event has come", () => {
  const parser = createSseParser(() => {}, 100);
  expect(parser.held).toBe(0);
  parser.push(encoder.encode("data: abc\ndata: de"));
  expect(parser.held).toBe(3 + "data: de".length);
  parser.push(encoder.encode("\n\n"));
  expect(parser.held).toBe(0);
});
