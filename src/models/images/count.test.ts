import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { countImageAtMost } from "./count.ts";
import { readImageSize } from "./size.ts";

const dataUrl = (kind: string, bytes: Uint8Array) =>
  `data:image/${kind};base64,${Buffer.from(bytes).toString("base64")}`;

function png(width: number, height: number): string {
  const bytes = Buffer.alloc(60_000);
  bytes.set(Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"));
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return dataUrl("png", bytes);
}

/** Before its size it has a preview of another size, as cameras write it, and a table. */
function jpeg(width: number, height: number): string {
  const frame = (marker: number, high: number, wide: number) =>
    Buffer.from([
      0xff,
      marker,
      0,
      17,
      8,
      high >> 8,
      high & 255,
      wide >> 8,
      wide & 255,
      3,
      1,
      34,
      0,
      2,
      17,
      1,
      3,
      17,
      1,
    ]);
  const preview = Buffer.concat([Buffer.alloc(40_000, 7), frame(0xc0, 120, 160)]);
  const app = Buffer.concat([
    Buffer.from([0xff, 0xe1, (preview.length + 2) >> 8, (preview.length + 2) & 255]),
    preview,
  ]);
  const table = Buffer.from([0xff, 0xc4, 0, 4, 1, 2]);
  return dataUrl("jpeg", Buffer.concat([Buffer.from([0xff, 0xd8]), app, table, frame(0xc2, height, width)]));
}

function webp(kind: "VP8 " | "VP8L" | "VP8X", width: number, height: number): string {
  const bytes = Buffer.alloc(64);
  bytes.write("RIFF....WEBP", 0);
  bytes.write(kind, 12);
  if (kind === "VP8L") bytes.writeUInt32LE((width - 1) | ((height - 1) << 14), 21);
  else {
    bytes.writeUInt16LE(width, 26);
    bytes.writeUInt16LE(height, 28);
  }
  return dataUrl("webp", bytes);
}

const count = (model: string, url = "https://pictures.example/large.png", detail?: "low" | "high" | "auto") =>
  countImageAtMost(model, { url, detail });

describe("the size of an image", () => {
  it("is read from the header of a PNG, a JPEG behind its preview, and a WebP", () => {
    const sizes = [png(1200, 90), jpeg(4032, 3024), webp("VP8 ", 640, 480), webp("VP8L", 641, 481)];
    expect(sizes.map((url) => readImageSize({ url }))).toEqual([
      { width: 1200, height: 90 },
      { width: 4032, height: 3024 },
      { width: 640, height: 480 },
      { width: 641, height: 481 },
    ]);
  });

  it.each([
    ["an address", "https://pictures.example/a.png"],
    [
      "a GIF, whose frames may be larger than its header says",
      dataUrl("gif", Buffer.from("GIF89a\x01\0\x01\0", "latin1")),
    ],
    ["an extended WebP, for the same reason", webp("VP8X", 1, 1)],
    ["a cut header", png(1200, 90).slice(0, 40)],
    ["what is no base64", "data:image/png;base64,§§§§"],
    ["an empty image", "data:image/png;base64,"],
    ["no pixels", png(0, 90)],
  ])("is not known of %s", (_, url) => expect(readImageSize({ url })).toBeNull());

  it("of a damaged image is any, and no crash", () => {
    const whole = Buffer.from(jpeg(300, 200).slice("data:image/jpeg;base64,".length), "base64");
    for (let seed = 0; seed < 40; seed++) {
      const bytes = Buffer.from(whole.subarray(0, whole.length - (seed % 40)));
      for (let at = 0; at < 20; at++) bytes[(seed * 7919 + at * 104_729) % bytes.length] = (seed * 31 + at * 17) % 256;
      expect(() => readImageSize({ url: dataUrl("jpeg", bytes) })).not.toThrow();
    }
  });
});

describe("what a provider counts at most for an image", () => {
  it("is what its page says, where the size is not known", () => {
    const counts = {
      ...{ "gpt-4o": 85 + 8 * 170, "gpt-4.1": 1_445, "gpt-5": 1_445, o3: 1_445, "gpt-4o-mini": 2_833 + 8 * 5_667 },
      ...{ "gpt-4.1-nano": 3_779, "gpt-5-mini": 3_779, "gpt-5.4-mini": 3_779, "o4-mini-2025-04-16": 3_779 },
      ...{ "gpt-5.2": 3_779, "gpt-5.4": 6_150, "gpt-5.5": 24_600, "gpt-6-sol": 73_800, "gpt-5.6-luna": 73_800 },
      ...{ "claude-opus-5": 5_000, "us.anthropic.claude-sonnet-4-5-20250929-v1:0": 5_000 },
      ...{ "gemini-3.8-flash": 2_240, "gemini-2.5-pro": 4_386, "qwen3-vl-plus": 16_384, "house/nobody-knows": 16_384 },
    };
    expect(Object.fromEntries(Object.keys(counts).map((model) => [model, count(model)]))).toEqual(counts);
  });

  it("is less for a small image that the message brings", () => {
    const small = png(640, 480);
    expect(
      ["gpt-6-sol", "claude-opus-5", "gemini-2.5-pro", "qwen3-vl-plus"].map((model) => count(model, small)),
    ).toEqual([Math.ceil(20 * 15 * 2.46), 414, 258 * 5, 414]);
    expect(count("nobody-knows", small)).toBe(4_096);
    expect(count("gpt-6-sol", png(20_000, 20_000))).toBe(73_800);
  });

  it("is at least what the pages' own examples count", () => {
    expect(count("claude-opus-4-7", png(1920, 1080))).toBeGreaterThanOrEqual(2_691);
    expect(count("claude-opus-4-7", png(3840, 2160))).toBeGreaterThanOrEqual(4_784);
    expect(count("gpt-4.1-mini", png(1800, 2400))).toBeGreaterThanOrEqual(Math.ceil(1_452 * 1.62));
    expect(count("gemini-2.0-flash", png(960, 540))).toBeGreaterThanOrEqual(6 * 258);
  });

  it("is less with a detail, for OpenAI's models alone", () => {
    expect(["gpt-4o-mini", "gpt-6-sol", "gpt-5.4"].map((model) => count(model, undefined, "low"))).toEqual([
      2_833, 630, 630,
    ]);
    expect(count("gpt-6-sol", undefined, "high")).toBe(6_150);
    expect(count("claude-opus-5", undefined, "low")).toBe(5_000);
  });
});

it("the table in docs/models.md says what the rules say", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/models.md"), "utf8");
  const rows = [...page.matchAll(/^\| (.+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$/gm)].map(
    ([, names = "", ...counts]) => [names, ...counts.map((text) => Number(text.replaceAll(",", "")))],
  );
  const models = ["gpt-4o-mini", "gpt-4o", "gpt-5-mini", "gpt-5.4", "gpt-5.5", "gpt-6", "claude-opus-5"];
  const examples = [...models, "gemini-3.8-flash", "gemini-2.5-pro", "any"];
  const details = [undefined, "low", "high"] as const;
  expect(rows.map(([, ...counts]) => counts)).toEqual(
    examples.map((model) => details.map((detail) => count(model, undefined, detail))),
  );
});
