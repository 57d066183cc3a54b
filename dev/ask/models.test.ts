import { describe, expect, it } from "vitest";
import { modelLines } from "./models.ts";

describe("the list of models", () => {
  it("marks the default, and says which servers gave no whole list", () => {
    const data = [
      { id: "gpt-5", is_default: true },
      { id: "deepseek/x", is_default: false },
    ];
    expect(modelLines({ data, incomplete: [] })).toEqual(["gpt-5 (default)", "deepseek/x"]);
    expect(modelLines({ data: [], incomplete: ["local"] })).toEqual([expect.stringContaining("local")]);
    expect(modelLines({ data: [], incomplete: [] })).toEqual(["No model is set up."]);
  });
});
