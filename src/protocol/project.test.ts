import { describe, expect, it } from "vitest";
import { sandboxSettings } from "./project.ts";

function complaintOf(settings: unknown): string | undefined {
  return sandboxSettings.safeParse(settings).error?.issues[0]?.message;
}

describe("sandboxSettings", () => {
  it("takes a dockerfile that begins with comments and ARG, with either end of lines", () => {
    for (const end of ["\n", "\r\n"]) {
      const dockerfile = ["# syntax=x", "", "  # why", "ARG V=1", "from node:$V", "RUN x"].join(end);
      expect(complaintOf({ dockerfile })).toBeUndefined();
      expect(complaintOf({ dockerfile: ["# FROM a", "RUN x"].join(end) })).toBe("does not begin with FROM");
    }
  });

  it("says what is wrong with the name of a variable", () => {
    expect(complaintOf({ env: { "A-B": "1" } })).toBe("is not a name of a variable");
  });
});
