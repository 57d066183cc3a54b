// Frames of a stream, however it is cut into chunks.
import { describe, expect, it } from "vitest";
import { FrameCutter, MAX_HELD_BYTES } from "./frames.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const bytes = encoder.encode('retry: 1\nid: 1\ndata: "商店 🛒"\n\n: ping\n: ping\ndata: b\n\n');
const frames = ["retry: 1\n", 'id: 1\ndata: "商店 🛒"\n\n', ": ping\n", ": ping\n", "data: b\n\n"];

function openCutter(keep: (frame: string) => boolean = () => true) {
  const seen: string[] = [];
  const cutter = new FrameCutter((frame, whole) => {
    const text = whole ? decoder.decode(frame) : `begins ${frame.length}`;
    seen.push(text);
    return keep(text);
  });
  return { cutter, seen };
}

describe("FrameCutter", () => {
  it("sends on whole frames, wherever the chunks end", () => {
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const { cutter, seen } = openCutter();
        const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        const out = chunks.map((chunk) =>
          cutter
            .push(chunk)
            .map((piece) => decoder.decode(piece))
            .join(""),
        );
        expect(out.join("")).toBe(frames.join(""));
        for (const text of out) expect(text === "" || /\n\n$|: ping\n$|retry: 1\n$/.test(text)).toBe(true);
        expect(seen).toEqual(frames);
      }
    }
  });

  it("sends on whole frames that arrive byte by byte", () => {
    const { cutter, seen } = openCutter();
    const out = [...bytes].flatMap((byte) => cutter.push(new Uint8Array([byte])));
    expect(out.map((piece) => decoder.decode(piece))).toEqual(frames);
    expect(seen).toEqual(frames);
  });

  it("sends frames of one chunk as one piece, without copying them", () => {
    const [piece, ...more] = openCutter().cutter.push(bytes);
    expect([piece?.buffer, piece?.length, more.length]).toEqual([bytes.buffer, bytes.length, 0]);
  });

  it("drops the frames that the inspector refuses, wherever the chunks end", () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { cutter } = openCutter((frame) => !frame.includes("商店"));
      const out = [...cutter.push(bytes.subarray(0, cut)), ...cutter.push(bytes.subarray(cut))];
      expect(out.map((piece) => decoder.decode(piece)).join("")).toBe("retry: 1\n: ping\n: ping\ndata: b\n\n");
    }
  });

  for (const [name, keeps] of [
    ["sends on a frame that is too large to hold as it arrives", true],
    ["drops the whole of a refused frame that is too large to hold", false],
  ] as const) {
    it(name, () => {
      const text = `data: ${"x".repeat(3 * MAX_HELD_BYTES)}\n\n`;
      const whole = encoder.encode(`data: a\n\n${text}data: b\n\n`);
      for (const size of [999, 65_536, MAX_HELD_BYTES, whole.length - 10, whole.length - 11]) {
        const { cutter, seen } = openCutter((frame) => keeps || !frame.startsWith("begins"));
        let out = "";
        let held = 0;
        let torn = false;
        for (let at = 0; at < whole.length; at += size) {
          out += cutter
            .push(whole.subarray(at, at + size))
            .map((piece) => decoder.decode(piece))
            .join("");
          if (keeps) held = Math.max(held, Math.min(whole.length, at + size) - out.length);
          torn ||= cutter.isTorn;
        }
        expect(out === `data: a\n\n${keeps ? text : ""}data: b\n\n`).toBe(true);
        expect(held).toBeLessThanOrEqual(MAX_HELD_BYTES);
        expect([torn, cutter.isTorn]).toEqual([keeps, false]);
        expect([seen[0], seen.at(-1), seen.length]).toEqual(["data: a\n\n", "data: b\n\n", 3]);
      }
    });
  }
});
