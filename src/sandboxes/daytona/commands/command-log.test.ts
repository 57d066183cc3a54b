import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CommandLog, type StreamName } from "./command-log.ts";

const OUT = "\x01\x01\x01";
const ERR = "\x02\x02\x02";
const SESSION = "taskloom-call_1";

function read(pieces: string[]) {
  const output: { stream: StreamName; text: string }[] = [];
  const log = new CommandLog(SESSION, (stream, text) => {
    const last = output.at(-1);
    if (last?.stream === stream) last.text += text;
    else output.push({ stream, text });
  });
  for (const piece of pieces) log.push(piece);
  log.end();
  return { output, exit_code: log.exit_code, is_complete: log.is_complete };
}

function cut(text: string, places: number[]): string[] {
  const sorted = places.map((place) => place % (text.length + 1)).sort((one, other) => one - other);
  return [0, ...sorted].map((start, index) => text.slice(start, sorted[index]));
}

describe("CommandLog", () => {
  it("separates the streams and removes the stream markers", () => {
    const { output } = read([`${OUT}one\n${OUT}two\n${ERR}three\n${OUT}four`]);
    expect(output).toEqual([
      { stream: "stdout", text: "one\ntwo\n" },
      { stream: "stderr", text: "three\n" },
      { stream: "stdout", text: "four" },
    ]);
  });

  it("has the exit code after one end marker, and is complete after both streams' end markers", () => {
    const half = read([`${OUT}a\x1e${SESSION}:3\x1e\n`]);
    expect(half).toMatchObject({ exit_code: 3, is_complete: false, output: [{ stream: "stdout", text: "a" }] });
    const whole = read([`${OUT}a\x1e${SESSION}:3\x1e\n${ERR}\x1e${SESSION}:3\x1e\n`]);
    expect(whole).toMatchObject({ exit_code: 3, is_complete: true, output: [{ stream: "stdout", text: "a" }] });
  });

  it("ignores another command's end marker", () => {
    const { exit_code, output } = read([`${OUT}\x1etaskloom-call_10:0\x1e\n`]);
    expect(exit_code).toBeNull();
    expect(output).toEqual([{ stream: "stdout", text: "\x1etaskloom-call_10:0\x1e\n" }]);
  });

  it("leaves out the mark that ended a line, so that what follows continues with it", () => {
    const mark = `\x1e${SESSION}:held\x1e\n`;
    expect(read([`${OUT}Name? ${mark}${ERR}${mark}`])).toEqual({
      output: [{ stream: "stdout", text: "Name? " }],
      exit_code: null,
      is_complete: false,
    });
    expect(read([`${OUT}Name? ${mark}${OUT}Ann\n`]).output).toEqual([{ stream: "stdout", text: "Name? Ann\n" }]);
  });

  it("emits held-back text at the end, except a partial end marker", () => {
    expect(read([`${OUT}a\x01\x01`]).output).toEqual([{ stream: "stdout", text: "a\x01\x01" }]);
    expect(read([`${OUT}a\x1etask`]).output).toEqual([{ stream: "stdout", text: "a" }]);
  });

  it("replaces NUL and lone surrogates", () => {
    expect(read([`${OUT}a\0b\ud800c`]).output).toEqual([{ stream: "stdout", text: "a\ufffdb\ufffdc" }]);
  });

  it("reads the same output however the log is split", () => {
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
