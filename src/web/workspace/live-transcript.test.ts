import { describe, expect, it } from "vitest";
import type { Item } from "../client/conversation.ts";
import { addedTo, LiveTranscript } from "./live-transcript.ts";

const words = {
  running: "running",
  exit: (code: string) => `exit code ${code}`,
  failed: "failed",
  background: "goes on",
  tools: { check_command_output: "Looked at" },
};

function call(change: Partial<Extract<Item, { kind: "tool" }>> = {}): Item {
  return {
    kind: "tool",
    id: "call_1",
    name: "execute_command",
    arguments: '{"command":"npm test"}',
    output: "",
    result: null,
    open: true,
    ...change,
  };
}

/** Without colours and modes. */
function bare(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return text.replace(/\u001b\[[?!]?[\d;]*[a-z]/gi, "");
}

describe("the live terminal", () => {
  it("writes each part once: the command, its output as it arrives, its exit code", () => {
    const live = new LiveTranscript(words);
    expect(bare(live.advance([call({ arguments: '{"comm' })]))).toBe("");
    expect(bare(live.advance([call()]))).toBe("$ npm test\n");
    expect(bare(live.advance([call({ output: "one\n" })]))).toBe("one\n");
    expect(bare(live.advance([call({ output: "one\ntw" })]))).toBe("tw");
    const ended = call({ output: "one\ntwo", result: "exit_code: 1\none\ntwo", open: false });
    expect(bare(live.advance([ended]))).toBe("o\r\n└ exit code 1\n\n");
    expect(live.advance([ended])).toBe("");
  });

  it("shows the output of a stored call whose output was not seen live", () => {
    const live = new LiveTranscript(words);
    const stored = call({ result: "exit_code: 0\nhello\n", open: false });
    expect(bare(live.advance([stored]))).toBe("$ npm test\nhello\n└ exit code 0\n\n");
  });

  it("writes nothing where there was no output, and that a server keeps running", () => {
    const live = new LiveTranscript(words);
    const quiet = call({ result: "exit_code: 0\n(no output)", open: false });
    const server = call({ id: "2", result: "still running (command_id: c); more\nlistening\n", open: false });
    expect(bare(live.advance([quiet, server]))).toBe(
      "$ npm test\n└ exit code 0\n\n$ npm test\nlistening\n└ goes on\n\n",
    );
  });

  it("names the command again when outputs of two commands alternate", () => {
    const live = new LiveTranscript(words);
    const other = call({ id: "2", arguments: '{"command":"tail"}' });
    live.advance([call(), other]);
    expect(bare(live.advance([call({ output: "late\n" }), other]))).toBe("↳ npm test\nlate\n");
  });

  it("continues where the beginning of a long output was dropped", () => {
    expect(addedTo("abcdef", "defghi")).toBe("ghi");
    expect(addedTo("abc", "xyz")).toBe("xyz");
    expect(addedTo("", "abc")).toBe("abc");
    expect(addedTo("aaaa", "aaa")).toBe("");
  });

  it("keeps a command's text from steering the terminal", () => {
    const live = new LiveTranscript(words);
    const hostile = call({ arguments: JSON.stringify({ command: "echo \u001b]0;title\u0007\u009b2J" }) });
    const written = live.advance([hostile]);
    for (const order of ["\u001b]", "\u0007", "\u009b"]) expect(written).not.toContain(order);
  });

  it("shows other calls about commands as a remark, and no other tools", () => {
    const live = new LiveTranscript(words);
    const look = call({ name: "check_command_output", arguments: '{"command_id":"c1"}', result: "exit_code: 0\nup\n" });
    const file = call({ id: "3", name: "read_file", result: "secret", open: false });
    expect(bare(live.advance([look, file]))).toBe("# Looked at c1\nup\n└ exit code 0\n\n");
  });
});
