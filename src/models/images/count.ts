// How many tokens a provider counts at most for one image, for what is reserved before a call. An image's size binds it
// where the message brings the image; of an address only the provider knows the size. Read on 2026-11-28:
//
// - OpenAI, https://developers.openai.com/api/docs/guides/images-vision: tiles of 512 pixels within 2048 × 768, or
//   patches of 32 pixels up to a budget, times a factor of the model. 2.46 is the largest that it names, and is taken
//   for all. GPT-5.6 and later take 30,000 patches and refuse more.
// - Anthropic, https://platform.claude.com/docs/en/build-with-claude/vision: patches of 28 pixels, 4,784 at most. Older
//   pages divide the pixels by 750, which is 5 % more.
// - Google, https://ai.google.dev/gemini-api/docs/media-resolution: 1,120 from Gemini 3 on, in the highest resolution
//   2,240; before that 258 for each tile of a crop, of which wide images have more.
// - Qwen, https://huggingface.co/Qwen/Qwen2-VL-7B-Instruct/discussions/47: patches of 28 pixels, 16,384 at most.
import type { SentImage } from "../../protocol/message.ts";
import { bareName } from "../profiles/families.ts";
import { type ImageSize, readImageSize } from "./size.ts";

interface Rule {
  models: RegExp;
  /** `size` is null where it is not known. */
  count(size: ImageSize | null, detail: SentImage["detail"]): number;
}

const FACTOR = 2.46;
const LOW_PATCHES = 256;
const HIGH_PATCHES = 2_500;
const MAX_TILES = 8;
const CLAUDE_MOST = 5_000;
/** Models that enlarge a small image to their own tiles: twelve of 256 and one of the whole, in InternVL. */
const UNKNOWN_LEAST = 4_096;
const GEMINI_TILE = 258;
/** An image five times as wide as high. */
const GEMINI_TILES = 17;
/** No model was found to count more, but for OpenAI's. */
const MOST = 16_384;

const rules: Rule[] = [
  { models: /^gpt-4o-mini/, count: inTiles(2_833, 5_667) },
  { models: /^(?:gpt-(?:4\.1|5|5\.4)-(?:mini|nano)|o4-mini|gpt-5\.[0-3]|gpt-5-codex|codex)/, count: inPatches(1_536) },
  { models: /^(?:gpt-4|chatgpt|gpt-5(?:-|$)|o\d)/, count: inTiles(85, 170) },
  { models: /^gpt-5\.4/, count: inPatches(HIGH_PATCHES) },
  { models: /^gpt-5\.5/, count: inPatches(10_000) },
  { models: /^gpt-\d/, count: inPatches(30_000) },
  { models: /^claude/, count: (size) => Math.min(CLAUDE_MOST, Math.max(patchesOf(size, 28), pixelsOf(size) / 750)) },
  { models: /^gemini-(?:[3-9]|\d\d|\w+(?:-\w+)?-latest)/, count: () => 2_240 },
  { models: /^gemini/, count: inCrops },
  { models: /^(?:qwen|qwq|qvq)/, count: (size) => Math.min(MOST, Math.max(256, patchesOf(size, 28))) },
];

export function countImageAtMost(model: string, image: SentImage): number {
  const name = bareName(model);
  const size = readImageSize(image);
  const rule = rules.find(({ models }) => models.test(name));
  if (rule !== undefined) return Math.ceil(rule.count(size, image.detail));
  return Math.min(MOST, Math.max(UNKNOWN_LEAST, patchesOf(size, 28)));
}

function inTiles(base: number, tile: number): Rule["count"] {
  return (_size, detail) => (detail === "low" ? base : base + MAX_TILES * tile);
}

/** `budget`: without a word on the detail. */
function inPatches(budget: number): Rule["count"] {
  return (size, detail) => {
    const most = { low: LOW_PATCHES, high: Math.min(budget, HIGH_PATCHES), auto: budget }[detail ?? "auto"];
    // A small image may be enlarged for the low detail.
    return FACTOR * (detail === "low" ? most : Math.min(most, patchesOf(size, 32)));
  };
}

/** A crop is two thirds of the shorter side, and the whole image counts once more. */
function inCrops(size: ImageSize | null): number {
  if (size === null) return GEMINI_TILE * GEMINI_TILES;
  const shorter = Math.min(size.width, size.height);
  const crop = Math.max(1, Math.floor(shorter / 1.5));
  return Math.min(MOST, GEMINI_TILE * (1 + Math.ceil(size.width / crop) * Math.ceil(size.height / crop)));
}

function patchesOf(size: ImageSize | null, side: number): number {
  if (size === null) return Number.POSITIVE_INFINITY;
  return Math.ceil(size.width / side) * Math.ceil(size.height / side);
}

function pixelsOf(size: ImageSize | null): number {
  return size === null ? Number.POSITIVE_INFINITY : size.width * size.height;
}
