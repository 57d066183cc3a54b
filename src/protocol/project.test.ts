import { describe, expect, it } from "vitest";
import { sandboxSettings } from "./project.ts";

function complaintOf(settings: unknown): string | undefined {
  return sandboxSettings().safeParse(settings).error?.issues[0]?.message;
}

describe("sandboxSettings", () => {
  it("accepts a dockerfile that begins with comments and ARG, with LF or CRLF", () => {
    for (const end of ["\n", "\r\n"]) {
      const dockerfile = ["# syntax=x", "", "  # why", "ARG V=1", "from node:$V", "RUN x"].join(end);
      expect(complaintOf({ dockerfile })).toBeUndefined();
      expect(complaintOf({ dockerfile: ["# FROM a", "RUN x"].join(end) })).toBe("does not begin with FROM");
    }
  });

  it("explains what is wrong with a variable's name", () => {
    expect(complaintOf({ env: { "A-B": "1" } })).toBe("is not a name of a variable");
  });

  it.each(["HOME", "PATH", "Path", "BASH_ENV", "LD_PRELOAD"])(
    "refuses the variable %s, by which the sandbox may never start",
    (name) => expect(complaintOf({ env: { COLOUR: "red", [name]: "/root/none" } })).toMatch(/^is reserved/),
  );
});
