import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CommandLog, type StreamName } from "./command-log.ts";

const OUT = "\x01\x01\x01";
const ERR = "\x02\x02\x02";
const SESSION = "taskloom-call_1";

function read(pieces: string[]) {
  const told: { stream: StreamName; text: string }[] = [];
  const log = new CommandLog(SESSION, (stream, text) => {
    const last = told.at(-1);
    if (last?.stream === stream) last.text += text;
    else told.push({ stream, text });
  });
  for (const piece of pieces) log.push(piece);
  log.end();
  return { told, exit_code: log.exit_code, is_complete: log.is_complete };
}

function cut(text: string, places: number[]): string[] {
  const sorted = places.map((place) => place % (text.length + 1)).sort((one, other) => one - other);
  return [0, ...sorted].map((start, index) => text.slice(start, sorted[index]));
}

describe("CommandLog", () => {
  it("tells the streams apart and leaves the marks out", () => {
    const { told } = read([`${OUT}one\n${OUT}two\n${ERR}three\n${OUT}four`]);
    expect(told).toEqual([
      { stream: "stdout", text: "one\ntwo\n" },
      { stream: "stderr", text: "three\n" },
      { stream: "stdout", text: "four" },
    ]);
  });

  it("knows the exit code once the wrapper has spoken, and is complete when both streams have ended", () => {
    const half = read([`${OUT}a\x1e${SESSION}:3\x1e\n`]);
    expect(half).toMatchObject({ exit_code: 3, is_complete: false, told: [{ stream: "stdout", text: "a" }] });
    const whole = read([`${OUT}a\x1e${SESSION}:3\x1e\n${ERR}\x1e${SESSION}:3\x1e\n`]);
    expect(whole).toMatchObject({ exit_code: 3, is_complete: true, told: [{ stream: "stdout", text: "a" }] });
  });

  it("believes no other command's word", () => {
    const { exit_code, told } = read([`${OUT}\x1etaskloom-call_10:0\x1e\n`]);
    expect(exit_code).toBeNull();
    expect(told).toEqual([{ stream: "stdout", text: "\x1etaskloom-call_10:0\x1e\n" }]);
  });

  it("gives what was held back at the end, except half of the wrapper's word", () => {
    expect(read([`${OUT}a\x01\x01`]).told).toEqual([{ stream: "stdout", text: "a\x01\x01" }]);
    expect(read([`${OUT}a\x1etask`]).told).toEqual([{ stream: "stdout", text: "a" }]);
  });

  it("replaces NUL and halves of characters", () => {
    expect(read([`${OUT}a\0b\ud800c`]).told).toEqual([{ stream: "stdout", text: "a\ufffdb\ufffdc" }]);
  });

  it("reads the same however the log is cut", () => {
    const word = fc.constantFrom("a", "中", "😀", "\n", "\x01", "\x02", "\x1e", "\x01\x01", OUT, ERR, SESSION);
    const end = fc.constantFrom("", `\x1e${SESSION}:7\x1e\n`);
    const log = fc.tuple(fc.array(word, { maxLength: 30 }), end, fc.array(word, { maxLength: 10 }), end);
    fc.assert(
      fc.property(log, fc.array(fc.nat(200), { maxLength: 20 }), ([head, first, tail, second], places) => {
        const text = OUT + head.join("") + first + ERR + tail.join("") + second;
        expect(read(cut(text, places))).toEqual(read([text]));
      }),
      { numRuns: 500 },
    );
  });
});
