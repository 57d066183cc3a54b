import { describe, expect, it } from "vitest";
import { parseDockerfile, readExecForm, splitWords } from "./dockerfile.ts";

function parse(...lines: string[]): ReturnType<typeof parseDockerfile> {
  return parseDockerfile(lines.join("\n"));
}

describe("parseDockerfile", () => {
  it("joins continued lines, and drops comments and empty lines between them", () => {
    expect(parse("# syntax", "from x:1", "", "RUN a \\", "  # why", "", "  && b", 'CMD ["c"]\r')).toEqual([
      { name: "FROM", text: "x:1" },
      { name: "RUN", text: "a   && b" },
      { name: "CMD", text: '["c"]' },
    ]);
  });

  it("collects heredocs, as a script or as input", () => {
    expect(parse("RUN <<EOF", "echo a", "# kept", "EOF", "RUN cat <<-'END' > f", "\tx", "\tEND", "CMD y")).toEqual([
      { name: "RUN", text: "<<EOF", script: "echo a\n# kept\n" },
      { name: "RUN", text: "cat <<-'END' > f", heredoc: "x\nEND\n" },
      { name: "CMD", text: "y" },
    ]);
    expect(() => parse("RUN <<EOF", "echo")).toThrow(/unterminated heredoc/);
  });

  it("rejects lines that are no instruction, and files that are too large", () => {
    expect(() => parse("{}")).toThrow(/not an instruction/);
    expect(() => parseDockerfile("x".repeat(300_000))).toThrow(/larger than/);
    expect(() => parseDockerfile("RUN a\n".repeat(501))).toThrow(/more than 500/);
  });
});

describe("splitWords", () => {
  const scope = { A: "1 2", EMPTY: "" };

  it("removes quotes and backslashes, and substitutes variables except between single quotes", () => {
    expect(splitWords(`x="$A" y='$A' z=\\$A "a b"c \${A}`, scope)).toEqual(["x=1 2", "y=$A", "z=$A", "a bc", "1 2"]);
    expect(splitWords('a="" b', scope)).toEqual(["a=", "b"]);
  });

  it("expands defaults and alternatives, and no property of Object.prototype", () => {
    expect(splitWords(`\${B:-x} \${EMPTY:-y} \${A:+z}-\${B:+w} [$constructor]`, scope)).toEqual(["x", "y", "z-", "[]"]);
    expect(() => splitWords(`\${A#x}`, scope)).toThrow(/unsupported substitution/);
    expect(() => splitWords('"open', scope)).toThrow(/unterminated quote/);
  });
});

describe("readExecForm", () => {
  it("returns a list of strings, and undefined for a line for the shell", () => {
    expect(readExecForm('["a", "b c"]')).toEqual(["a", "b c"]);
    for (const text of ["[ -f x ] && y", '["a", 1]', "echo"]) expect(readExecForm(text)).toBeUndefined();
  });
});
