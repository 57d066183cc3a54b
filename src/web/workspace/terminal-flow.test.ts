import { describe, expect, it } from "vitest";
import { writeBounded } from "./terminal-flow.ts";

function makeTerminal() {
  const written: (string | Uint8Array)[] = [];
  const waiting: (() => void)[] = [];
  return {
    written,
    write: (data: string | Uint8Array, drawn?: () => void) => {
      written.push(data);
      if (drawn) waiting.push(drawn);
    },
    drawAll: () => {
      for (const drawn of waiting.splice(0)) drawn();
    },
  };
}

describe("a terminal's input", () => {
  it("is no more than the terminal can draw, with a note on what was left out", () => {
    const terminal = makeTerminal();
    const write = writeBounded(terminal, { max: 10, kept: 3 });
    write(new Uint8Array(8));
    write(new Uint8Array(9));
    write(new Uint8Array(3));
    expect(terminal.written).toHaveLength(1);
    terminal.drawAll();
    expect(terminal.written.slice(1)).toEqual([expect.stringContaining("9 bytes"), new Uint8Array(3)]);
  });

  it("has the end of the output though nothing follows it", () => {
    const terminal = makeTerminal();
    const write = writeBounded(terminal, { max: 10, kept: 3 });
    const [much, prompt] = [new Uint8Array(8), new Uint8Array([36, 32])];
    for (const bytes of [much, much, prompt]) write(bytes);
    terminal.drawAll();
    expect(terminal.written.at(-1)).toBe(prompt);
    terminal.drawAll();
    write(new Uint8Array([108]));
    expect(terminal.written.at(-1)).toEqual(new Uint8Array([108]));
  });
});
