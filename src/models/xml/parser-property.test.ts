import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { read, xmlTools } from "../../../test/fakes/read-xml.ts";
import { createXmlParser, type ReplyEnd } from "./parser.ts";

const fragment = fc.constantFrom(
  "<function_calls>",
  "</function_calls>",
  '<invoke name="create_file">',
  "<invoke name=view_tasks/>",
  "</invoke>",
  '<parameter name="content">',
  '<parameter name="sections">',
  "</parameter>",
  "<![CDATA[",
  "]]>",
  "<ns:invoke name='a'>",
  "<think>",
  "</think>",
  "<function_results>",
  "<tool_call>",
  "</tool_calls>",
  "`",
  "```",
  "\n```\n",
  "~~~\n",
  "\n\n",
  "\n",
  " ",
  "&lt;",
  "&amp",
  ";",
  "&",
  "<",
  ">",
  "</",
  "]",
  "[1,]",
  '{"a":"b"}',
  '"',
  "text",
  "商店",
  "😀",
  "\ud83d",
  "\r",
  "<p>",
  "<invoke",
  "<parameter",
  "\u0001",
); // prettier-ignore

describe("any text that a model writes", () => {
  const anything = fc.array(fc.oneof({ weight: 8, arbitrary: fragment }, fc.string({ maxLength: 5 })), {
    maxLength: 40,
  });
  const ends = fc.constantFrom<ReplyEnd>("whole", "cut", "left");

  it("is read without an exception, the same however it is split, with arguments that are an object", () => {
    fc.assert(
      fc.property(anything, ends, fc.array(fc.nat(12)), (pieces, how, lengths) => {
        const text = pieces.join("");
        const whole = read([text], how);
        expect(read(text.split(""), how)).toEqual(whole);
        const cuts: string[] = [];
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const end = at + 1 + (lengths[turn % (lengths.length || 1)] ?? 3);
          cuts.push(text.slice(at, end));
          at = end;
        }
        expect(read(cuts, how)).toEqual(whole);
        for (const call of whole.calls) expect(JSON.parse(call.arguments)).toBeTypeOf("object");
      }),
      {
        numRuns: 3000,
        examples: [[['<parameter name="content">', "\n\n", "<function_calls>", "\r", " "], "whole", []]],
      },
    );
  });

  it("leads to a call or a malformed call for every opening tag outside of code and reasoning", () => {
    const plain = fragment.filter((piece) => !/[`~]|think|results/.test(piece));
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 30 }), (pieces) => {
        const { text, calls } = read([`${pieces.join("")}<function_calls>`]);
        expect(calls.length).toBeGreaterThan(0);
        expect(text).not.toMatch(/<\/?(function_calls|invoke[ >])/);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    "<",
    "`",
    "` <invoke name='x' ",
    "</parameter>",
    "\n",
    " ",
    "&",
    "&lt;",
    "<invoke ",
    "]]>",
    "~",
    "<a:",
    "`\n",
    "\r",
    "[",
    ",",
  ])(
    "takes linear time: %j",
    (unit) => {
      const count = (prefix: string) => {
        let sent = 0;
        const parser = createXmlParser(xmlTools, {
          addText: () => void sent++,
          addReasoning: () => void sent++,
          openCall: () => void sent++,
          addArguments: () => void sent++,
        });
        parser.push(prefix);
        const text = unit.repeat(Math.ceil(150_000 / unit.length));
        for (let at = 0; at < text.length; at += 3) parser.push(text.slice(at, at + 3));
        parser.end("whole");
        return sent;
      };
      const open = '<invoke name="create_file"><parameter name="content">';
      for (const prefix of ["", `${open}\n`, `${open}<![CDATA[`]) {
        expect(count(prefix)).toBeLessThan(600_000);
      }
    },
    20_000,
  );
});
