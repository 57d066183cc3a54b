import { afterEach, describe, expect, it } from "vitest";
import { LongRun } from "../../../test/fakes/long-run.ts";
import { makePlan } from "../../../test/fakes/scripted-run.ts";
import { boundRoom, MAX_CONVERSATION_BYTES, RunPlace } from "./crowd.ts";

const MIB = 1024 * 1024;
const places: RunPlace[] = [];
function newPlace(): RunPlace {
  const place = new RunPlace();
  places.push(place);
  return place;
}
afterEach(() => {
  for (const place of places.splice(0)) place.leave();
});

describe("a conversation in memory", () => {
  it("may be as long as the usual limit alone, and less beside others, but never less than a small model reads", () => {
    const [first, second, third] = [newPlace(), newPlace(), newPlace()];
    expect(first.limit(8 * MIB)).toBe(MAX_CONVERSATION_BYTES);
    // Runs of other test files may have left some.
    expect(second.limit(4 * MIB)).toBeLessThanOrEqual(4 * MIB);
    expect(third.limit(MIB)).toBe(MIB / 4);
    first.leave();
    expect(third.limit(MIB)).toBeGreaterThan(7 * MIB);
  });

  it("has the model's room where it is short", () => {
    expect(boundRoom(100_000, { size: 50_000, bytes: 200_000 }, 8 * MIB)).toBe(100_000);
    expect(boundRoom(100_000_000, { size: 6_000_000, bytes: 12 * MIB }, 8 * MIB)).toBe(4_000_000);
    expect(boundRoom(100, { size: 0, bytes: 0 }, 8 * MIB)).toBe(100);
  });

  it("is summarized when it is longer than that, whatever the model could read", async () => {
    const history = Array.from({ length: 10 }, (_, index) =>
      index % 2 === 0
        ? { role: "user" as const, content: `${index} ${"一段很长的话。".repeat(100_000)}` }
        : { role: "assistant" as const, content: "Read." },
    );
    const long = new LongRun({
      context_tokens: 100_000_000,
      history: [...history, { role: "user", content: "Go on." }],
      ...{ plan: makePlan(), tools: [] },
      answer: () => ({ text: "Done." }),
    });
    expect(await long.run()).toMatchObject({ status: "completed" });
    expect(long.summary).not.toBeNull();
    const sent = long.requests.at(-1)?.messages ?? [];
    const characters = sent.reduce((sum, { content }) => sum + (typeof content === "string" ? content.length : 0), 0);
    expect(characters * 2).toBeLessThan(MAX_CONVERSATION_BYTES);
  });
});
