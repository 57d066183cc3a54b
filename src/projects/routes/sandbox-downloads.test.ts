import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runCount } from "../../../test/setup/run-count.ts";
import { nameAttachment } from "./sandbox-downloads.ts";

describe("nameAttachment", () => {
  it("gives the name in plain ASCII and in the encoding of RFC 5987", () => {
    expect(nameAttachment("report.txt")).toBe(`attachment; filename="report.txt"; filename*=UTF-8''report.txt`);
    expect(nameAttachment("商店 (1).txt")).toBe(
      `attachment; filename="__ (1).txt"; filename*=UTF-8''%E5%95%86%E5%BA%97%20%281%29.txt`,
    );
    expect(nameAttachment(`a"; x=\\"b`)).toBe(
      `attachment; filename="a_; x=__b"; filename*=UTF-8''a%22%3B%20x%3D%5C%22b`,
    );
  });

  it("gives a valid header for any name, which decodes to the same name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        const value = nameAttachment(name);
        expect(value).toMatch(/^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*$/);
        expect(decodeURIComponent(value.split("UTF-8''")[1] ?? "")).toBe(name.toWellFormed());
      }),
      { numRuns: runCount(25) },
    );
  });
});
