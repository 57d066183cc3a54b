import { expect, it } from "vitest";
import { writeBounded } from "./terminal-flow.ts";

it("a terminal is given no more than it can draw, and a word on what was left out", () => {
  const written: (string | Uint8Array)[] = [];
  const done: (() => void)[] = [];
  const terminal = {
    write: (data: string | Uint8Array, drawn = () => {}) => {
      written.push(data);
      done.push(drawn);
    },
  };
  const write = writeBounded(terminal, 10);
  write(new Uint8Array(8));
  write(new Uint8Array(8));
  expect(written).toHaveLength(1);
  done[0]?.();
  write(new Uint8Array(3));
  expect(written.slice(1)).toEqual([expect.stringContaining("8 bytes"), new Uint8Array(3)]);
});
