import { describe, expect, it } from "vitest";
import { parse, read } from "../../../test/fakes/read-markup.ts";
import { MALFORMED, readMalformed } from "../../agent/calls/malformed-call.ts";
import type { ReplyEnd } from "./parser.ts";

/** Names with their arguments; of a malformed call only the reason. */
function calls(text: string, how: ReplyEnd = "whole"): unknown[] {
  return parse(text, how).calls.map((call) => {
    const wrong = readMalformed(call.arguments);
    return wrong === null ? [call.name, JSON.parse(call.arguments)] : { name: call.name, wrong };
  });
}

const value = (written: string, name = "content", tool = "create_file", attributes = "") =>
  calls(
    `<function_calls><invoke name="${tool}"><parameter name="${name}"${attributes}>${written}</parameter></invoke></function_calls>`,
  );
const file = (content: string) => [["create_file", { content }]];
const malformed = (name: string, words: RegExp) => ({ name, wrong: expect.stringMatching(words) });
const view = ["view_tasks", {}];

describe("calls", () => {
  it("are read with the text around them, which contains none of their markup", () => {
    const block =
      '<function_calls>\n<invoke name="create_tasks">\n<parameter name="sections">[{"title":"商店","tasks":["a"]}]</parameter>\n</invoke>\n</function_calls>';
    const { text, calls } = parse(`好的。\n\n${block}\nDone?`);
    expect(text).toBe("好的。\n\n\nDone?");
    expect(calls).toEqual([{ name: "create_tasks", arguments: '{"sections":[{"title":"商店","tasks":["a"]}]}' }]);
  });

  it("are all read from one block, from several blocks and without a block", () => {
    const invoke = (name: string) => `<invoke name="${name}"></invoke>`;
    expect(calls(`<function_calls>${invoke("a")} ${invoke("b")}</function_calls>`)).toEqual([
      ["a", {}],
      ["b", {}],
    ]);
    expect(
      calls(`<function_calls>${invoke("a")}</function_calls> and <function_calls>${invoke("b")}</function_calls>`),
    ).toEqual([
      ["a", {}],
      ["b", {}],
    ]);
    expect(calls(`First ${invoke("a")} then ${invoke("b")}`)).toEqual([
      ["a", {}],
      ["b", {}],
    ]);
    expect(parse(`First ${invoke("a")} then ${invoke("b")}</function_calls>`).text).toBe("First  then ");
  });

  it.each([
    ["<FUNCTION_CALLS><Invoke NAME='view_tasks'></INVOKE></function_calls>"],
    ["<invoke name=view_tasks/>"],
    ["<invoke name = view_tasks ></invoke>"],
    ['<invoke id="1" x=\'2\' name="view_tasks"></invoke>'],
    ['<invoke name="view&#95;tasks"></invoke>'],
    ["<invoke=view_tasks></invoke>"],
    ['<function_calls><invoke name="view_tasks"></invoke></function_calls>'],
    ['<｜DSML｜function_calls><｜DSML｜invoke name="view_tasks"></｜DSML｜invoke></｜DSML｜function_calls>'],
    ['<function_calls>\n<function_calls><invoke name="view_tasks"\n></invoke></function_calls>'],
    ['<tool_calls>\n<invoke name="view_tasks"></invoke>\n</tool_calls>'],
    ['<minimax:tool_call>\n<invoke name="view_tasks">\n</minimax:tool_call>'],
    ['<function_calls><invoke name="view_tasks"></invoke>'],
    ['<function_calls><invoke name="view_tasks"></function_calls>'],
    ['<function_calls><invoke name="view_tasks></invoke></function_calls>'],
  ])("are read in other spellings: %s", (written) => {
    expect(calls(written)).toEqual([view]);
    expect(parse(written).text).toBe("");
  });

  it("keep parameters apart that come unquoted, with single quotes, empty or as an attribute", () => {
    const written =
      "<invoke name='create_file'><parameter name=path>a.ts</parameter><parameter string='true' name='content'/></invoke>";
    expect(calls(written)).toEqual([["create_file", { path: "a.ts", content: "" }]]);
    expect(calls('<invoke name="create_file"><parameter name="path" value="a.ts"/></invoke>')).toEqual([
      ["create_file", { path: "a.ts" }],
    ]);
  });

  it("stream a string before it is complete", () => {
    const { calls } = read(['<invoke name="create_file"><parameter name="content">line 1\nli'], "left");
    expect(calls).toEqual([{ name: "create_file", arguments: '{"content":"line 1\\nli"}' }]);
  });

  it("end the reply if the model invents their results", () => {
    const invented = '<function_results><result>ok</result></function_results> All done. <invoke name="view_tasks"/>';
    const { text, calls } = parse(`A<function_calls><invoke name="view_tasks"/></function_calls>\n${invented}`);
    expect([text, calls.length]).toEqual(["A\n", 1]);
    expect(calls).toHaveLength(1);
  });

  it("are reasoning inside thinking tags", () => {
    const thought = parse('<think>I could <invoke name="view_tasks"/>.</think>\n\nHello');
    expect(thought).toEqual({ text: "Hello", reasoning: 'I could <invoke name="view_tasks"/>.', calls: [] });
    expect(parse("<Thinking>hm</Thinking>Hi").reasoning).toBe("hm");
    expect(parse("Hi <think>hm</think> you").text).toBe("Hi  you");
  });
});

describe("values of parameters", () => {
  it("may contain their own closing tag", () => {
    expect(value("a </parameter> b")).toEqual(file("a </parameter> b"));
    expect(value("<tool_call>{}</tool_call>")).toEqual(file("<tool_call>{}</tool_call>"));
    expect(value("a </parameter>\n\nb</parameter>")).toEqual(file("a </parameter>\n\nb</parameter>"));
    expect(value('<parameter key="a">1</parameter>\n<parameter key="b"/>')).toEqual(
      file('<parameter key="a">1</parameter>\n<parameter key="b"/>'),
    );
  });

  it("are read verbatim in CDATA", () => {
    const call = '<invoke name="x"><parameter name="y">1</parameter></invoke>';
    expect(value(`<![CDATA[${call} &amp; ]]`)).toEqual([malformed("create_file", /not written to its end/)]);
    expect(value(`\n <![CDATA[${call} &amp; a[b[0]]>1]]>\n`)).toEqual(file(`${call} &amp; a[b[0]]>1`));
    expect(value("<![CDATA[a]]]]><![CDATA[>b]]>")).toEqual(file("a]]>b"));
    expect(value("x <![CDATA[a]]>")).toEqual(file("x <![CDATA[a]]>"));
  });

  it("lose the line breaks of layout and no others", () => {
    expect(value("\n#!/bin/sh\nls\n")).toEqual(file("#!/bin/sh\nls"));
    expect(value("\r\na\r\n\r\n  ")).toEqual(file("a\r\n"));
    expect(value("a\n")).toEqual(file("a\n"));
    expect(value("  a  ")).toEqual(file("  a  "));
  });

  it("have entities decoded only if the value is escaped", () => {
    expect(value("if (a &lt; b &amp;&amp; c) &quot;&#65;&#x42;&quot;")).toEqual(file('if (a < b && c) "AB"'));
    expect(value("make && echo $A & b &nbsp; &#0; &#xD800;")).toEqual(file("make && echo $A & b &nbsp; &#0; &#xD800;"));
    expect(value("<p>a &amp; b &lt;i&gt;</p>")).toEqual(file("<p>a &amp; b &lt;i&gt;</p>"));
    expect(value("a &amp; b <br>")).toEqual(file("a &amp; b <br>"));
  });

  it("get the types of the schema", () => {
    const command = (name: string, written: string, attributes = "") =>
      (value(written, name, "execute_command", attributes)[0] as [string, Record<string, unknown>])[1][name];
    expect(command("command", "007")).toBe("007");
    expect(command("command", "true")).toBe("true");
    expect(command("command", '{"a":1}')).toBe('{"a":1}');
    expect(command("command", '"quoted"', ' string="false"')).toBe("quoted");
    expect(command("timeout_seconds", " 60\n")).toBe(60);
    expect(command("timeout_seconds", "007")).toBe(7);
    expect(command("timeout_seconds", "soon")).toBe("soon");
    expect(command("background", "True")).toBe(true);
    expect(command("environment", '{"A": "1"}')).toEqual({ A: "1" });
    expect(command("either", "007")).toBe("007");
    expect(command("either", "7")).toBe(7);
    expect(command("either", "[1]")).toEqual([1]);
    expect(command("either", "[not json")).toBe("[not json");
    expect(command("either", "[1]", ' string="true"')).toBe("[1]");
    expect(command("maybe", "null")).toBe(null);
    expect(command("referenced", "1.5")).toBe(1.5);
    expect(command("untyped", "7")).toBe("7");
    expect(command("untyped", "7", ' string="false"')).toBe(7);
    expect(command("untyped", "[7]")).toEqual([7]);
    expect(command("unknown", '<a href="b">')).toBe('<a href="b">');
  });

  it("of JSON may have trailing commas, bare line breaks and entities", () => {
    const sections = (written: string) => value(written, "sections", "create_tasks");
    const one = (title: string) => [["create_tasks", { sections: [{ title }] }]];
    expect(sections('[{"title": "a",},\n]')).toEqual(one("a"));
    expect(sections('[{"title": "a, ]\nb"}]')).toEqual(one("a, ]\nb"));
    expect(sections('[{"title": "a &amp; b"}]')).toEqual(one("a & b"));
    expect(sections("[{&quot;title&quot;: &quot;a&quot;}]")).toEqual(one("a"));
    expect(sections('[{"title": "say &quot;a&quot;"}]')).toEqual(one('say "a"'));
    expect(sections('[{"title": "<b>&amp;</b>"}]')).toEqual(one("<b>&amp;</b>"));
    expect(sections('<![CDATA[[{"title": "&amp;"}]]]>')).toEqual(one("&amp;"));
  });
});

describe("a malformed call", () => {
  it.each([
    ['<function_calls><invoke name="create_file"><parameter name="path">a', "create_file", /no <\/parameter>/],
    ['<invoke name="create_file"><parameter name="path">a</parameter>', "create_file", /no <\/invoke>/],
    ['<invoke name="create_file">', "create_file", /no <\/invoke>/],
    ["<function_calls>", "malformed_call", /no call in <function_calls>/],
    ['<function_calls>name: "x"</function_calls>', "malformed_call", /Between.*which is no call/],
    ["<function_calls><create_file><path>a</path></create_file></function_calls>", "malformed_call", /no call/],
    ['<invoke><parameter name="a">1</parameter></invoke>', "malformed_call", /no name/],
    ['<invoke name="create_file"><parameter>1</parameter></invoke>', "create_file", /<parameter> has no name/],
    ['<invoke name="create_file"><path>a</path></invoke>', "create_file", /Only <parameter>/],
    ['<invoke name="create_file" <parameter name="path">a</parameter></invoke>', "create_file", /tag has no end/],
    ['<parameter name="path">a</parameter>', "malformed_call", /outside of an <invoke>/],
    [
      '<invoke name="create_file"><parameter name="path">a</parameter><parameter name="path">b</parameter></invoke>',
      "create_file",
      /given twice/,
    ],
    [
      '<invoke name="create_tasks"><parameter name="sections">[{"title": a}]</parameter></invoke>',
      "create_tasks",
      /not valid JSON/,
    ],
    [
      '<invoke name="create_file"><parameter name="path">a<parameter name="content">b</parameter></invoke>',
      "create_file",
      /missing before it/,
    ],
    ["<function_results>ok</function_results>", "malformed_call", /never written by you/],
    ["```\n<function_calls><invoke name='x'></invoke></function_calls>", "malformed_call", /fence that is not closed/],
  ])("is reported for the text %s", (written, name, words) => {
    const [first, ...more] = parse(written).calls;
    expect(more).toEqual([]);
    expect(readMalformed(first?.arguments ?? "")).toMatch(words);
    expect(first?.name).toBe(name);
  });

  it("is reported beside a well-formed one", () => {
    expect(calls('<function_calls><invoke name="view_tasks"></invoke><invok name="b"/></function_calls>')).toEqual([
      view,
      malformed("malformed_call", /invok/),
    ]);
    const early = '<invoke name="create_file"><parameter name="content">a</parameter></invoke>b</parameter></invoke>';
    expect(calls(early)).toEqual([["create_file", { content: "a" }], malformed("malformed_call", /ended too early/)]);
  });

  it("keeps the arguments that were read, as an object", () => {
    const [call] = parse('<invoke name="create_file"><parameter name="path">a.ts</parameter><parameter na').calls;
    expect(JSON.parse(call?.arguments ?? "")).toEqual({ path: "a.ts", [MALFORMED]: expect.any(String) });
  });

  it("is reported as cut if the reply reached the output limit", () => {
    for (const written of [
      '<function_calls><invoke name="create_file"><parameter name="content">long',
      "Now: <function_c",
      "<function_calls><inv",
      '<invoke name="cre',
    ]) {
      expect(calls(written, "cut")).toEqual([
        { name: expect.any(String), wrong: expect.stringContaining("reached the output limit") },
      ]);
    }
    expect(parse("a < b, <p", "cut")).toMatchObject({ text: "a < b, <p", calls: [] });
  });
});

describe("code", () => {
  const example = '<function_calls><invoke name="view_tasks"></invoke></function_calls>';

  it.each([
    [`\`\`\`xml\n${example}\n\`\`\`\n`],
    [`~~~\n${example}\n\`\`\`\n${example}\n~~~\n`],
    [`   \`\`\`\`\n\`\`\`\n${example}\n\`\`\`\`\n`],
    [`Write \`${example}\` so.`],
    [`Write \`\`a\`${example}\`\` so.`],
    ["A `<invoke>` and a `</invoke>`, `<function_results>` and `<think>`."],
    [`Write \`<function_calls>\n<invoke name="x">\n</invoke>\n</function_calls>\` so.`],
    [`\`\`\`${example}\`\`\` in a line`],
    ["a < b <- c <https://x.org> <div class='x'> <br/> <functions> <invoked> 1<2"],
    ["An unset <parameter> in prose"],
  ])("and text without a tag contain no call: %s", (written) => {
    expect(parse(written)).toEqual({ text: written, reasoning: "", calls: [] });
  });

  it.each([
    [`\`\`\`sh\nls\n\`\`\`\n${example}`],
    [`It's \`quoted\` and \`\`two\`\`. ${example}`],
    [`A backtick \` alone.\n${example}`],
    [`A backtick \` alone. ${example}\n\nAnd \` another`],
    [`a ~~~ b ${example}`],
    [`\`\`\`js\` is a span\` ${example}`],
  ])("before a call does not hide the call: %s", (written) => {
    expect(calls(written)).toEqual([view]);
    expect(parse(written).text).toBe(written.replace(example, ""));
  });
});
