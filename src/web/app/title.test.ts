import { describe, expect, it } from "vitest";
import type { AgUiInterrupt } from "../../protocol/event.ts";
import { emptyConversation, type RunState } from "../client/conversation.ts";
import { signOf, titleOf } from "./title.ts";

const question: AgUiInterrupt = { id: "i", reason: "question", message: "Which?" };
const view = (state: RunState, interrupts: AgUiInterrupt[] = []) => ({
  phase: "ready" as const,
  conversation: { ...emptyConversation, run: { ...emptyConversation.run, state }, interrupts },
});

describe("the tab's title", () => {
  it("begins with what asks for a person", () => {
    expect(titleOf("Shop", signOf(view("interrupted", [question])), "Needs you")).toBe(
      "(!) Needs you · Shop · Taskloom",
    );
    expect(titleOf(null, "asks", "Needs you")).toBe("(!) Needs you · Taskloom");
  });

  it("has a small sign while a run works or an answer is on its way", () => {
    expect(titleOf("Shop", signOf(view("running")), "Needs you")).toBe("● Shop · Taskloom");
    expect(signOf(view("waiting", [question]))).toBe("runs");
  });

  it.each(["none", "completed", "cancelled", "failed", "interrupted"] as const)(
    "is the thread's own after %s",
    (state) => {
      expect(titleOf("Shop", signOf(view(state)), "Needs you")).toBe("Shop · Taskloom");
    },
  );

  it("says nothing of a thread that is still being read", () => {
    expect(signOf({ ...view("interrupted", [question]), phase: "loading" })).toBeNull();
    expect(titleOf(undefined, null, "Needs you")).toBe("Taskloom");
  });
});
