import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { markupTools, read } from "../../../test/fakes/read-markup.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import type { ModelDelta, ModelReply } from "../../agent/model.ts";
import { withTextCalls } from "./model.ts";
import type { MarkupOptions, ReplyEnd } from "./parser.ts";

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
);

/** Of all other forms, with offered tools and others. */
const otherFragment = fc.constantFrom(
  '{"name": "create_file", "arguments": {"path": "a"}}',
  '{"name": "create_',
  'file", "parameters": "{}"}',
  '"arguments": {"a": [1, "</tool_call>"]}}',
  '{"name": "search"}',
  '[{"name": "view_tasks"},',
  "[TOOL_CALLS]",
  "[ARGS]",
  "[CALL_ID]a1",
  "<|tool_calls_section_begin|>",
  "<|tool_call_begin|>",
  "functions.view_tasks:0",
  "<|tool_call_argument_begin|>",
  "<|tool_call_end|>",
  "<|tool_calls_section_end|>",
  "<｜tool▁call▁begin｜>",
  "function",
  "<｜tool▁sep｜>",
  "<｜tool▁call▁end｜>",
  "<｜DSML｜ calls>",
  '<｜DSML｜invoke name="view_tasks">',
  "</｜DSML｜invoke>",
  "<function=create_file>",
  "<function=search>",
  "<parameter=path>",
  "</function>",
  "<tool_call>view_tasks",
  "view_tasks",
  "<arg_key>",
  "</arg_key>",
  "<arg_value>",
  "</arg_value>",
  "<|python_tag|>",
  "<|channel|>commentary to=functions.view_tasks <|constrain|>json<|message|>",
  "<|channel|>analysis<|message|>",
  "<|start|>assistant",
  "<|tool_call|>",
  "<|tool_call>call:view_tasks{",
  'x:<|"|>',
  "<tool_call|>",
  "<|channel>thought",
  "<TOOLCALL>",
  '{"name": "view_tasks", "arguments": {',
  "<|channel|>",
  "<|message|>",
  "<|call|>",
  "<|end|>",
  "<tool_response>",
  "{",
  "}",
  ":",
  ",",
  "json\n",
  "<|",
  "\\",
);

const native: MarkupOptions = { tools: markupTools, mode: "native" };
const options = fc.constantFrom<MarkupOptions>(
  { tools: markupTools, mode: "xml" },
  native,
  { ...native, startsThinking: true },
  { tools: [], mode: "xml" },
);

describe("any text that a model writes", () => {
  const anything = fc.array(
    fc.oneof({ weight: 8, arbitrary: fragment }, { weight: 8, arbitrary: otherFragment }, fc.string({ maxLength: 5 })),
    { maxLength: 40 },
  );
  const ends = fc.constantFrom<ReplyEnd>("whole", "cut", "left");

  it("is read without an exception, the same however it is split, with arguments that are an object", () => {
    fc.assert(
      fc.property(anything, ends, options, fc.array(fc.nat(12)), (pieces, how, given, lengths) => {
        const text = pieces.join("");
        const whole = read([text], how, given);
        expect(read(text.split(""), how, given)).toEqual(whole);
        const cuts: string[] = [];
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const end = at + 1 + (lengths[turn % (lengths.length || 1)] ?? 3);
          cuts.push(text.slice(at, end));
          at = end;
        }
        expect(read(cuts, how, given)).toEqual(whole);
        for (const call of whole.calls) expect(JSON.parse(call.arguments)).toBeTypeOf("object");
        if (given.tools.length === 0) expect(whole.calls).toEqual([]);
      }),
      {
        numRuns: runCount(5000),
        examples: [
          [
            ['<parameter name="content">', "\n\n", "<function_calls>", "\r", " "],
            "whole",
            { ...native, mode: "xml" },
            [],
          ],
        ],
      },
    );
  });

  it("has the same thoughts and text with native calls whether it is passed on fast or not", async () => {
    await fc.assert(
      fc.asyncProperty(anything, fc.nat(7), (pieces, size) => {
        const text = pieces.join("");
        const cuts = text.match(new RegExp(`[^]{1,${size + 1}}`, "g")) ?? [];
        const sum = (deltas: ModelDelta[], type: "text" | "reasoning") =>
          deltas.map((delta) => (delta.type === type ? delta.text : "")).join("");
        return readNative(cuts).then(({ reply, deltas }) => {
          const whole = read([text], "whole", native);
          expect([reply.text, reply.reasoning]).toEqual([whole.text, whole.reasoning]);
          expect([sum(deltas, "text"), sum(deltas, "reasoning")]).toEqual([whole.text, whole.reasoning]);
        });
      }),
      { numRuns: runCount(1000) },
    );
  });

  it("is never changed with native calls if it names no tool and has no thoughts", () => {
    const ordinary = fc.oneof(
      fragment.filter((piece) => !/create_file|view_tasks|think/.test(piece)),
      otherFragment.filter(
        (piece) => !/create_|view_tasks|analysis|thought|<\|(message|channel|start|end|call)\|>/.test(piece),
      ),
      fc.string({ maxLength: 9 }),
      fc.constantFrom(
        "a < b",
        "x[i] = T[1]",
        "<p class='a'>",
        "</div>",
        "<!-- c -->",
        "$a<b>c$",
        "| a | b |",
        "<https://a.b>",
      ),
    );
    fc.assert(
      fc.property(fc.array(ordinary, { maxLength: 40 }), fc.nat(7), (pieces, size) => {
        const text = pieces.join("");
        const cuts = text.match(new RegExp(`[^]{1,${size + 1}}`, "g")) ?? [];
        expect(read(cuts, "whole", native)).toEqual({ text, reasoning: "", calls: [] });
      }),
      { numRuns: runCount(3000) },
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
      { numRuns: runCount(1000) },
    );
  });
});

/** Reads pieces as a model with native calls sends them. */
async function readNative(pieces: string[]): Promise<{ reply: ModelReply; deltas: ModelDelta[] }> {
  const deltas: ModelDelta[] = [];
  const text = pieces.join("");
  const model = withTextCalls(
    {
      stream: async (_request, onDelta) => {
        for (const piece of pieces) onDelta({ type: "text", text: piece });
        return { kind: "reply", reply: { text, reasoning: "", tool_calls: [], finish: "stop", usage: null } };
      },
    },
    { mode: "native" },
  );
  const request = { model: "m", messages: [], tools: markupTools };
  const outcome = await model.stream(request, (delta) => deltas.push(delta), new AbortController().signal);
  if (outcome.kind !== "reply") throw new Error(outcome.kind);
  return { reply: outcome.reply, deltas };
}
