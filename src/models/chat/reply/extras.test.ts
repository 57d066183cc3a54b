import { describe, expect, it } from "vitest";
import { plainProfile } from "../../profiles/profile.ts";
import { createDetails, type GatheredExtras, mergeExtra, selectExtras } from "./extras.ts";

const nothing: GatheredExtras = { reasoning: "", content: "", details: [], message_extra: undefined, call_extras: [] };
const all: GatheredExtras = {
  reasoning: "because",
  content: "<think>because</think>Hi",
  details: [{ type: "reasoning.text", text: "because" }],
  message_extra: { a: 1 },
  call_extras: [{ name: "f", extra: { google: { thought_signature: "s" } } }],
};

function join(...pieces: Record<string, unknown>[]): Record<string, unknown>[] {
  const details = createDetails();
  for (const piece of pieces) details.add(piece);
  return details.list;
}

describe("selectExtras", () => {
  it("keeps what the profile sends back, and the place that it belongs to", () => {
    const profile = {
      ...plainProfile,
      thinks: true,
      reasoning: { field: "reasoning", on: "all", required: false } as const,
    };
    expect(selectExtras(all, profile, "host family")).toEqual({
      origin: "host family",
      values: {
        reasoning: "because",
        content: "<think>because</think>Hi",
        details: all.details,
        message_extra: { a: 1 },
        call_extras: all.call_extras,
      },
    });
  });

  it("keeps nothing of a reply that brought nothing, or that nobody wants back", () => {
    expect(
      selectExtras({ ...nothing, content: "Hi", call_extras: [{ name: "f", extra: undefined }] }, plainProfile, "x"),
    ).toBeUndefined();
    const keepsNothing = { ...plainProfile, keeps_reasoning: false, details: false, signatures: "no" } as const;
    expect(selectExtras(all, keepsNothing, "x")).toBeUndefined();
  });

  it("keeps reasoning that is not sent back so far, and says so", () => {
    const some = { ...nothing, reasoning: "r" };
    expect(selectExtras(some, plainProfile, "x")).toEqual({ origin: "x", values: { reasoning: "r" }, unsent: true });
    expect(selectExtras(some, { ...plainProfile, keeps_reasoning: false }, "x")).toBeUndefined();
    const wanted = { ...plainProfile, reasoning: { field: "reasoning_content", on: "calls", required: true } as const };
    expect(selectExtras(some, wanted, "x")?.unsent).toBe(true);
    const called = { ...some, call_extras: [{ name: "f", extra: undefined }] };
    expect(selectExtras(called, wanted, "x")).toEqual({ origin: "x", values: { reasoning: "r" } });
  });
});

describe("createDetails", () => {
  it("joins the pieces of a block by type and index, with the signature that comes last", () => {
    expect(
      join(
        { type: "reasoning.text", text: "Let ", index: 0, format: "anthropic-claude-v1" },
        { type: "reasoning.text", text: "me.", index: 0, format: "anthropic-claude-v1" },
        { type: "reasoning.text", signature: "sig", index: 0, text: null },
        { type: "reasoning.encrypted", data: "abc", index: 1 },
        { type: "reasoning.encrypted", data: "def", index: 1 },
      ),
    ).toEqual([
      { type: "reasoning.text", text: "Let me.", index: 0, format: "anthropic-claude-v1", signature: "sig" },
      { type: "reasoning.encrypted", data: "abcdef", index: 1 },
    ]);
  });

  it("keeps blocks apart that have no index but a signature or an id of their own", () => {
    expect(join({ type: "t", text: "a", signature: "1" }, { type: "t", text: "b" })).toHaveLength(2);
    expect(join({ type: "t", id: "1", data: "a" }, { type: "t", id: "2", data: "b" })).toHaveLength(2);
    expect(join({ type: "t", text: "a" }, { type: "t", text: "b" })).toEqual([{ type: "t", text: "ab" }]);
  });
});

describe("mergeExtra", () => {
  it("adds the fields of each piece", () => {
    expect(mergeExtra(mergeExtra(undefined, { google: { a: 1 } }), { google: { b: 2 }, c: 3 })).toEqual({
      google: { a: 1, b: 2 },
      c: 3,
    });
    expect(mergeExtra({ a: 1 }, null)).toEqual({ a: 1 });
  });
});
