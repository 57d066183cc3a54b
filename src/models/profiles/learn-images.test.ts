import { describe, expect, it } from "vitest";
import type { SentRequest } from "./learn.ts";
import { readObjection } from "./learn.ts";
import { plainProfile } from "./profile.ts";

const sent: SentRequest = {
  ...{ profile: plainProfile, optional_fields: [], model: "house-vision-model", images: [], rules: [], lessons: [] },
  ...{ is_api_set: false, limit_field: "max_tokens", is_effort_set: false, chosen_fields: [], newest_item: null },
};
const image = (hash: string, is_new: boolean) => ({ hash, url: `https://x.example/${hash}.png`, is_new });

describe("a request with more images than its server takes", () => {
  it.each([
    ["At most 1 image(s) may be provided in one prompt.", ["image:a", "image:b"]],
    ["Too many images: at most 2 are allowed", ["image:a"]],
    ["You set image=2 (or defaulted to 1) in `--limit-mm-per-prompt`, but passed 3 image items", ["image:a"]],
    ["This model supports up to 2 images per request.", ["image:a"]],
    ["Only one image is supported", ["image:a", "image:b"]],
    ["Too many images in this request", ["image:a", "image:b"]],
  ])("leaves out the oldest images where there are too many: %s", (detail, rules) => {
    const images = [image("a", false), image("b", false), image("c", true)];
    const objection = { status: 400, detail, param: null, kind: "", reason: "request_refused" as const };
    expect(readObjection(objection, { ...sent, images }).find((read) => read.length > 0)).toEqual(rules);
  });
});
