import { describe, expect, it } from "vitest";
import { edit } from "../../../test/fakes/edit.ts";
import { processorTime } from "../../../test/fakes/processor-time.ts";

function edited(text: string, old_string: string, new_string: string): string {
  const outcome = edit(text, old_string, new_string);
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.text;
}

function refusal(text: string, old_string: string, new_string = "new", replace_all = false): string {
  const outcome = edit(text, old_string, new_string, replace_all);
  if (outcome.ok) throw new Error(`the edit was made: ${outcome.text}`);
  return outcome.message;
}

describe("a match but for white space", () => {
  it.each([
    ["spaces at the end of a line", "a = 1  \nb = 2\n", "a = 1\nb = 2", "a = 3\nb = 4", "a = 3\nb = 4\n"],
    ["several spaces for one", "a   =  1\n", "a = 1", "a = 2", "a = 2\n"],
    [
      "a deeper indentation",
      "    if x:\n        y\n",
      "if x:\n\ty".replace("\t", "    "),
      "if z:\n    y",
      "    if z:\n        y\n",
    ],
    ["a lesser indentation", "if x:\n    y\n", "    if x:\n        y", "    if z:\n        y", "if z:\n    y\n"],
    [
      "tabs for spaces",
      "\tif x:\n\t\ty\n",
      "    if x:\n        y",
      "    if x:\n        z\n            w",
      "\tif x:\n\t\tz\n\t\t\tw\n",
    ],
    ["two spaces for a tab", "\tif x:\n\t\ty\n", "  if x:\n    y", "  if z:\n    y", "\tif z:\n\t\ty\n"],
    ["spaces for tabs", "  if x:\n    y\n", "\tif x:\n\t\ty", "\tif x:\n\t\t\ty", "  if x:\n      y\n"],
    [
      "levels of another width",
      "if x:\n  y\n",
      "if x:\n    y",
      "if x:\n    if z:\n        y",
      "if x:\n  if z:\n    y\n",
    ],
    [
      "a first line without its indentation",
      "  f(\n    a ,\n  )\n",
      "f(\n    a,\n  )".replace("a,", "a  ,"),
      "g(\n    b,\n  )",
      "  g(\n    b,\n  )\n",
    ],
    ["CR LF in a file of both", "a\r\nb\nc\r\n", "a\nb\nc", "a\nx\nc", "a\r\nx\r\nc\r\n"],
    ["CR LF in the call", "a\nb\n", "a\r\nb", "a\r\nx", "a\nx\n"],
    ["typographic quotes", "say(“hi”) – it’s\n", 'say("hi") - it\'s', 'say("ho")', 'say("ho")\n'],
    ["a no-break space", "a\u00a0b\n", "a b", "c", "c\n"],
    ["no line break at the end of the file", "a\n  b", "a\n  b \n", "a\n  c\n", "a\n  c"],
    [
      "levels of another width, and less deep",
      "        if x:\n            y\n",
      "if x:\n  y",
      "if z:\nw\n  v",
      "        if z:\n        w\n            v\n",
    ],
    [
      "spaces for one tab, and a line without any",
      "\treturn a\n",
      "    return  a",
      "    return b\n}",
      "\treturn b\n}\n",
    ],
    [
      "a line as deep as a first one without its indentation",
      "    if x:  \n        y\n",
      "if x:\n        y",
      "if x:\n        z\nelse:\n        w",
      "    if x:  \n        z\n    else:\n        w\n",
    ],
    ["a byte order mark", "\ufeffa  b\n", "a b", "c", "\ufeffc\n"],
  ])("is found with %s", (_, text, old_string, new_string, expected) => {
    expect(text).not.toContain(old_string);
    expect(edited(text, old_string, new_string)).toBe(expected);
  });

  it.each([
    ["white space", "a  b\n", "a b"],
    ["typographic quotes or dashes", "“a” – b\n", '"a" - b'],
    ["white space and typographic quotes or dashes", "“a”  b\n", '"a" b'],
  ])("says that it differs in %s", (difference, text, old_string) => {
    expect(edit(text, old_string, "c")).toMatchObject({ note: expect.stringContaining(`but for ${difference};`) });
    expect(refusal(text + text, old_string)).toContain(`But for ${difference} it stands there 2 times`);
  });

  it("removes whole lines, with their break if the call names it", () => {
    expect(edited("a\n  b  \nc\n", "b\n", "")).toBe("a\nc\n");
    expect(edited("a\n  b  x\nc\n", "b x", "")).toBe("a\n\nc\n");
  });

  it("leaves lines at both ends that the edit does not change as they are in the file", () => {
    const text = "“one”  \n\ttwo\n\tthree  \n";
    expect(edited(text, '"one"\n  two\n  three', '"one"\n  2\n  three')).toBe("“one”  \n\t2\n\tthree  \n");
  });

  it("is not found within a line, across line breaks, or where only blank lines would match", () => {
    expect(refusal("call(a,  b) // x\n", "call(a, b)")).toContain("not found");
    expect(refusal("call(a,\n  b)\n", "call(a, b)")).toContain("not found");
    expect(refusal("a\n\n\nb", " \n \n")).toContain("not found");
  });

  it("is refused with the places when there are more than one, also with replace_all", () => {
    const text = "if x:\n    y\nif x:\n        y\n";
    for (const all of [false, true]) {
      const message = refusal(text, "if x:\n  y", "z", all);
      expect(message).toMatch(/stands there 2 times \(from lines 1, 3\).*\n1\tif x:\n2\t {4}y$/s);
    }
  });

  it("is refused where no rule gives the file's indentation", () => {
    const text = "a:\n   b\n  c\n";
    expect(refusal(text, "a:\n  b\n    c", "a:\n  x\n    c\n  d")).toMatch(
      /differs from line to line.*\n1\ta:\n2\t {3}b\n3\t {2}c$/s,
    );
  });

  it.each([
    ["half a level of spaces", "key: v\n  sub: 1\n", "key:  v\n    sub: 1", "key: v\n    sub: 2\n  odd: 4"],
    ["half a level of tabs", "\tx\n", "    x", "    x\n      y"],
    ["a level above the first", "x\n", "\tx", "\tx\ny"],
    ["a level above all that were found at one depth", "  a  = 1\n", "    a = 1", "    a = 1\n  b = 2"],
    ["lines that two rules put at different depths", "    if x:\n        y\n", "if x:\n\t\ty", "if x:\n\t\ty\n\tz"],
    ["no indentation where the lines differ", "if x:\n    y\n", "if x:\ny ", "if x:\ny\nz"],
  ])("is refused where the new text has %s", (_, text, old_string, new_string) => {
    expect(refusal(text, old_string, new_string)).toContain("differs from line to line");
  });

  it("is refused if nothing would change", () => {
    expect(refusal("\ta\n", "  a", "    a".slice(2))).toContain("nothing would change");
  });
});

describe("a file whose lines end in CR LF", () => {
  const text = "a\r\nb\r\nc\r\n";

  it.each([
    ["a new line behind one", "b", "b\nx", "a\r\nb\r\nx\r\nc\r\n"],
    ["lines that are found", "a\nb", "x\ny", "x\r\ny\r\nc\r\n"],
    ["a text that begins with a line break", "\nb", "", "a\r\nc\r\n"],
    ["a line that is found but for white space", "\tb", "", "a\r\n\r\nc\r\n"],
  ])("gets no other line ends: %s", (_, old_string, new_string, expected) => {
    expect(edited(text, old_string, new_string)).toBe(expected);
  });

  it("gets those that the call names, so that they can be changed", () => {
    expect(edit(text, "\r\n", "\n", true)).toMatchObject({ ok: true, text: "a\nb\nc\n", count: 3 });
    expect(edited(text, "b\r\n", "x\n")).toBe("a\r\nx\nc\r\n");
  });

  it("is taken as it is where it has both", () => {
    expect(edited("a\r\nb\nc\r\n", "b", "b\nx")).toBe("a\r\nb\nx\nc\r\n");
  });
});

describe("places that overlap", () => {
  it("are several, so the edit is refused", () => {
    expect(refusal("  }\n}\n}\n", "}\n}\n")).toContain("stands more than once in a, in places that overlap");
    expect(refusal("aaa", "aa")).toContain("more than once");
    expect(edit("aaaa", "aa", "b", true)).toMatchObject({ ok: true, text: "bb", count: 2 });
  });
});

describe("a miss", () => {
  const text = Array.from({ length: 100 }, (_, at) => `  const value${at} = compute(${at});`).join("\n");

  it("shows the nearest lines with their numbers, exactly as they are", () => {
    const message = refusal(text, "const value57 = compute(58);\nconst value58 = compute(59);");
    expect(message).toContain("\n58\t  const value57 = compute(57);\n59\t  const value58 = compute(58);");
    expect(message.split("\n").length).toBeLessThan(10);
  });

  it("says that new_string is there already", () => {
    expect(refusal("let total = 2;\n", "let total = 1;", "let total = 2;")).toContain(
      "new_string is there already (line 1)",
    );
  });

  it("is bounded, whatever the file and the call hold", () => {
    const long = `${"x".repeat(100_000)}\n`.repeat(40);
    expect(refusal(long, `${"x".repeat(100_001)}\n`.repeat(40)).length).toBeLessThan(12_000);
    expect(refusal("\ud83d\ude00".repeat(5_000), `${"\ud83d\ude00".repeat(300)}y`).isWellFormed()).toBe(true);
  });
});

it("costs the length of a file that has all but the beginning of old_string everywhere", async () => {
  const begun = `b${"a".repeat(5_000)}`;
  const text = `${begun} `.repeat(30) + "a".repeat(2_000_000);
  expect(await processorTime(() => refusal(text, `${begun}aa`))).toBeLessThan(2_000);
  expect(await processorTime(() => edited(`${text} ${begun}aa`, `${begun}aa`, ""))).toBeLessThan(2_000);
});
