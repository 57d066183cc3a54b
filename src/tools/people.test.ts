import { describe, expect, it } from "vitest";
import { callTool } from "../../test/fakes/call-tool.ts";
import { peopleTools } from "./people.ts";

describe("ask", () => {
  it("interrupts the run with the question, answered in words", async () => {
    const result = await callTool(peopleTools, "ask", { question: " Which colour? " });
    expect(result.interrupt).toEqual({
      reason: "question",
      message: "Which colour?",
      response_schema: { type: "string" },
    });
  });

  it.each([
    ["texts", ["red", "blue", "red"]],
    ["a JSON string", '["red","blue"]'],
    ["objects", [{ label: "red" }, { value: "blue" }]],
  ])("offers choices given as %s", async (_, choices) => {
    const result = await callTool(peopleTools, "ask", { question: "Which?", choices });
    expect(result.interrupt?.response_schema).toEqual({ type: "string", enum: ["red", "blue"] });
  });

  it.each([[[]], [""], [null], [[""]]])("reads %j as no choices", async (choices) => {
    const result = await callTool(peopleTools, "ask", { question: "Which?", choices });
    expect(result.interrupt?.response_schema).toEqual({ type: "string" });
  });

  it.each([{}, { question: " " }, { question: "?", choices: [1] }, { question: "?", choices: Array(21).fill("x") }])(
    "refuses %j",
    async (input) => {
      await expect(callTool(peopleTools, "ask", input)).rejects.toThrow();
    },
  );
});

describe("complete", () => {
  it("ends the run with its summary", async () => {
    const result = await callTool(peopleTools, "complete", { summary: " The shop is ready.\n" });
    expect(result).toMatchObject({ complete: "The shop is ready.", is_error: false });
  });

  it("refuses an empty summary", async () => {
    await expect(callTool(peopleTools, "complete", { summary: "\n" })).rejects.toThrow();
  });
});
