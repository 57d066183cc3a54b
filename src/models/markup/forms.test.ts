import { describe, expect, it } from "vitest";
import { native, parse, read } from "../../../test/fakes/read-markup.ts";
import { type Form, forms, writeJson as json } from "../../../test/fakes/written-calls.ts";
import { readMalformed } from "../../agent/calls/malformed-call.ts";
import type { MarkupOptions, ReplyEnd } from "./parser.ts";

const xml: MarkupOptions = { ...native, mode: "xml" };
const modes = [native, xml];

const values = { command: "ls -a\n  & echo &amp; '商店'", timeout_seconds: 60, environment: { A: '"</b>' } };
const file = { path: "a.ts", content: "if (a < b) {\n\t<b>}</b>\n}" };
const wrapped = (form: Form, ...calls: string[]) => (form.wrap ?? ((text: string) => text))(calls.join(""));
const called = (name: string, input: unknown) => ({ name, input });

function readAll(text: string, options: MarkupOptions, how: ReplyEnd = "whole") {
  const got = parse(text, how, options);
  return { ...got, calls: got.calls.map((call) => called(call.name, JSON.parse(call.arguments))) };
}

const inXml = (form: Form, options: MarkupOptions) =>
  options.mode === "xml" && /DSML|MiniMax|JSON in an invoke/.test(form.name);

describe.each(modes)("with $mode calls, a call in the form of", (options) => {
  describe.each(forms)("$name", (form) => {
    // The dialect decodes entities, in any namespace.
    const expected =
      inXml(form, options) && form.name !== "JSON in an invoke"
        ? { ...values, command: "ls -a\n  & echo & '商店'" }
        : values;

    it("is read, with its types and the text around it", () => {
      const got = readAll(`Now.\n${wrapped(form, form.write("execute_command", values))}\n`, options);
      expect(got.calls).toEqual([called("execute_command", expected)]);
      expect([got.text.trim(), got.reasoning]).toEqual(["Now.", ""]);
    });

    it("is read beside others, and without arguments", () => {
      const all = [form.write("create_file", file), form.write("view_tasks", {}), form.write("create_file", file)];
      const got = readAll(wrapped(form, ...all), options);
      expect(got.calls).toEqual([called("create_file", file), called("view_tasks", {}), called("create_file", file)]);
      expect(got.text.trim()).toBe("");
    });

    it("is read with the prefix that OpenAI puts before names", () => {
      const got = readAll(wrapped(form, form.write("functions.view_tasks", {})), options);
      expect(got.calls).toEqual([called("view_tasks", {})]);
    });

    it("is an example in code and reasoning in thoughts", () => {
      const text = wrapped(form, form.write("create_file", { path: "a.ts" }));
      const fence = `Write:\n~~~~\n${text}\n~~~~\nSo.`;
      expect(readAll(fence, options)).toMatchObject({ text: fence, calls: [] });
      const span = `Write \`\`\`\`${text}\`\`\`\` so.`;
      expect(readAll(span, options)).toMatchObject({ text: span, calls: [] });
      const thought = readAll(`<think>${text}</think>Hi`, options);
      expect(thought).toEqual({ text: "Hi", reasoning: text, calls: [] });
    });

    // Where the name comes last, half a call has none.
    if (form.name.endsWith("name last")) return;
    it("is malformed if the reply ends within it", () => {
      const text = wrapped(form, form.write("create_file", { path: "a.ts", content: "0123456789" }));
      const half = text.slice(0, text.indexOf("6789"));
      for (const how of ["whole", "cut"] as const) {
        const got = parse(`Hi ${half}`, how, options);
        expect([got.text, got.calls.map(({ name }) => name)]).toEqual(["Hi ", ["create_file"]]);
        expect(readMalformed(got.calls[0]?.arguments ?? "")).toMatch(
          how === "cut" ? /output limit/ : /not written to its end/,
        );
      }
      expect(() => read([`Hi ${half}`], "left", options)).not.toThrow();
    });
  });
});

describe("with native calls, the markup of a tool that was not offered", () => {
  it.each(forms)("stays text: $name", (form) => {
    const text = `See: ${wrapped(form, form.write("get_weather", { city: "Paris, <b>" }))} and so on.`;
    expect(parse(text, "whole", native)).toEqual({ text, reasoning: "", calls: [] });
  });

  it.each([
    "The model writes <tool_call> and then a JSON object, and </tool_call> at its end.",
    "<tool_call>create_file is the name of a tool",
    '<tool_call>\n{"name": "get_weather", "arguments": {}}\n</tool_call>',
    'Use <function_calls> around <invoke name="…">, <parameter name="a"> and </invoke>.',
    "<function=foo> and <function> and </function>",
    "The token <|tool_call_begin|> begins a call, <|python_tag|> Python and [TOOL_CALLS] a list.",
    "[TOOL_CALLS] [1, 2]",
    "[TOOL_CALLS]create_file is a tool",
    "<｜tool▁calls▁begin｜> is a token of DeepSeek, <｜DSML｜function_calls> another.",
    "Its channels are <|channel|>analysis<|message|> and <|channel|>final<|message|>, ended by <|end|>.",
    "Put <think> before a thought and </think> after it. <arg_key>a</arg_key>",
    "<function_results> holds results, <tool_response> too.",
    "a < b, <p>1</p> <!-- c --> <a:b/> 1<2 <| |> [x](y) ~~~ ` <",
    "<tool_call>",
    '<tool_call>{"a": "',
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.",
  ])("stays text, as do words about it: %j", (text) => {
    expect(parse(text, "whole", native)).toEqual({ text, reasoning: "", calls: [] });
  });

  it("stays text although the next call is one", () => {
    const { text, calls } = parse('<invoke name="a"></invoke><invoke name="view_tasks"></invoke>', "whole", native);
    expect([text, calls.map(({ name }) => name)]).toEqual(['<invoke name="a"></invoke>', ["view_tasks"]]);
  });
});

describe.each(modes)("with $mode calls, malformed JSON", (options) => {
  it.each([
    ['<tool_call>\n{"name": "create_file", "arguments": {"path": a}}\n</tool_call>'],
    ['<tool_call>\n{"name": "create_file", "arguments": {"path": "a"}\n</tool_call>'],
    ['<tool_call>{"name": "create_file", "arguments": {"path": "<a href="b"><i>"}}</tool_call>'],
    ['<tool_call>{"name": "create_file", "arguments": [1]}</tool_call>'],
    ['<tool_call>{"name": "create_file", "arguments": "path"}</tool_call>'],
    ['<invoke name="create_file">{"path": a}</invoke>'],
  ])("is reported with the tool's name and never shown: %s", (text) => {
    const got = parse(`Now. ${text}`, "whole", options);
    expect([got.text, got.calls.map(({ name }) => name)]).toEqual(["Now. ", ["create_file"]]);
    expect(readMalformed(got.calls[0]?.arguments ?? "")).toMatch(/could not be read.*JSON/);
  });

  it("may have what models often get wrong", () => {
    const { calls } = readAll(
      '<tool_call>{"name": "create_file", "arguments": {"content": "a\nb",},}</tool_call>',
      options,
    );
    expect(calls).toEqual([called("create_file", { content: "a\nb" })]);
  });
});

it.each(modes)("with $mode calls, JSON without a tag is text", (options) => {
  const text = json("create_file", file);
  expect(parse(text, "whole", options)).toEqual({ text, reasoning: "", calls: [] });
});

describe.each(modes)("with $mode calls, a call in the special tokens of a chat template", (options) => {
  it.each([
    "<｜tool▁call▁begin｜>view_tasks<｜tool▁sep｜>{}<｜tool▁call▁end｜>",
    '[TOOL_CALLS][{"name": "view_tasks", "arguments": {}}]',
    "<|channel|>commentary to=functions.view_tasks<|message|>{}<|call|>",
  ])("is text: %s", (text) => {
    expect(parse(text, "whole", options)).toEqual({ text, reasoning: "", calls: [] });
  });
});

describe("values", () => {
  it("of Qwen3-Coder and GLM get the types of the schema and keep their entities", () => {
    for (const options of modes) {
      const qwen = `<function=execute_command>\n<parameter=command>\n007 &amp; {"a":1}\n</parameter>\n<parameter=timeout_seconds>\n5\n</parameter>\n<parameter=untyped>\nplain\n</parameter>\n</function>`;
      const glm = `<tool_call>execute_command<arg_key>command</arg_key><arg_value>007 &amp; {"a":1}</arg_value><arg_key>timeout_seconds</arg_key><arg_value>5</arg_value><arg_key>untyped</arg_key><arg_value>plain</arg_value></tool_call>`;
      for (const text of [qwen, glm]) {
        expect(readAll(text, options).calls).toEqual([
          called("execute_command", { command: '007 &amp; {"a":1}', timeout_seconds: 5, untyped: "plain" }),
        ]);
      }
    }
  });

  it("stream as they arrive where they are strings in tags", () => {
    for (const text of [
      "<tool_call><function=create_file><parameter=content>\nline 1\nli",
      "<tool_call>create_file<arg_key>content</arg_key><arg_value>line 1\nli",
      '<｜DSML｜invoke name="create_file"><｜DSML｜parameter name="content" string="true">line 1\nli',
    ]) {
      expect(read([text], "left", native).calls).toEqual([
        { name: "create_file", arguments: '{"content":"line 1\\nli"}' },
      ]);
    }
  });
});

describe("results that a model invents after its calls", () => {
  it.each(modes)("are dropped with $mode calls", (options) => {
    const call = '<tool_call>{"name": "view_tasks", "arguments": {}}</tool_call>';
    const got = readAll(`A ${call}\n<tool_response>\nok\n</tool_response>\nDone.`, options);
    expect([got.text, got.calls.length]).toEqual(["A \n", 1]);
  });
});
