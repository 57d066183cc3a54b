// What is shown and what is kept of the reasoning of the Responses API.
import { describe, expect, it } from "vitest";
import { added, build, completed, done, message, reasoning, text } from "../../../../test/fakes/responses-events.ts";

describe("createReplyBuilder", () => {
  it("shows thoughts of open models, and a summary in paragraphs, but not both", () => {
    const thought = (delta: string) => ({ type: "response.reasoning_text.delta", delta, output_index: 0 });
    const part = (delta: string, summary_index: number) => ({
      type: "response.reasoning_summary_text.delta",
      delta,
      output_index: 0,
      summary_index,
    });
    expect(build([thought("Hm"), thought("m."), part("Thinks.", 0), completed()]).reply.reasoning).toBe("Hmm.");
    expect(build([part("One", 0), part(".", 0), part("Two.", 1), completed()]).reply.reasoning).toBe("One.\n\nTwo.");
    const whole = (type: string, said: string) => ({ type, text: said, output_index: 0, content_index: 0 });
    expect(
      build([
        part("", 0),
        whole("response.reasoning_text.done", "Hmm."),
        whole("response.reasoning_summary_text.done", "Hmm. Thinks."),
        completed(),
      ]).reply.reasoning,
    ).toBe("Hmm.");
    const item = reasoning("r", null, { content: [{ type: "reasoning_text", text: "Hmm." }] });
    expect(build([done(item, 0), completed([item])]).reply.reasoning).toBe("Hmm.");
  });

  it("keeps no reasoning that is not encrypted, and none that led to an item that nobody asked for", () => {
    expect(build([done(reasoning("r", null), 0), text("a", 1), completed()]).extras).toBeUndefined();
    const search = { type: "web_search_call", id: "ws", status: "completed" };
    const events = [done(reasoning("r1"), 0), done(search, 1), done(reasoning("r2"), 2), text("a", 3), completed()];
    expect(build(events).extras).toEqual([
      { type: "reasoning", id: "r2", summary: [], encrypted_content: "gAAA" },
      { type: "message", length: 1 },
    ]);
  });

  it("keeps the newest content of reasoning that comes twice, once", () => {
    const events = [added(reasoning("r", "partial"), 0), done(reasoning("r", "whole"), 0), text("a", 1)];
    const { extras } = build([...events, completed([reasoning("r", "whole"), message("a")])]);
    expect(extras).toEqual([
      { type: "reasoning", id: "r", summary: [], encrypted_content: "whole" },
      { type: "message", length: 1 },
    ]);
  });

  it("leaves out reasoning that is too large to be kept, and keeps the phases", () => {
    const events = [done(reasoning("r", "x".repeat(300_000)), 0), done(message("a", { phase: "final_answer" }), 1)];
    expect(build([...events, completed()], 2_000_000).extras).toEqual([
      { type: "message", length: 1, phase: "final_answer" },
    ]);
  });
});
