// A reader that a Worker reads and writes again (`/ag-ui`): when it gets frames, beside one whose bytes are passed on.
import { describe, expect, it } from "vitest";
import { Stage } from "../../../test/fakes/stage.ts";
import { FakeSink, settle } from "../../../test/fakes/stream.ts";

interface Sent {
  direct: FakeSink;
  relayed: FakeSink;
  /** How long a frame waited at most, in ms. */
  longest: number;
}

/** A reply of a second, with a token every so many ms. */
async function reply(every_ms: number): Promise<Sent> {
  const { clock, journal, readers, add, open } = new Stage();
  const direct = add(false);
  const made: number[] = [];
  let [seen, longest] = [0, 0];
  const onWrite = (text: string): void => {
    for (const _ of text.matchAll(/CONTENT/g)) longest = Math.max(longest, clock.now() - (made[seen++] ?? 0));
  };
  const relayed = new FakeSink({ onWrite });
  readers.add(relayed, { after: 0, opening: [], end: () => null, idles: false, relayed: true });
  open("p");
  for (let ms = 0; ms < 1000; ms++) {
    if (ms % every_ms === 0) {
      made.push(clock.now());
      journal.addDelta("p", `token ${ms}`);
    }
    await settle();
    clock.advance(1);
  }
  clock.advance(50);
  await settle();
  return { direct, relayed, longest };
}

describe("a relayed reader", () => {
  it("gets a fast reply in half as many writes, and no frame later than after 50 ms", async () => {
    const { direct, relayed, longest } = await reply(2);
    expect(relayed.text).toBe(direct.text);
    expect(direct.writes.length).toBeGreaterThan(55);
    expect(relayed.writes.length).toBeLessThan(direct.writes.length * 0.6);
    expect(longest).toBeLessThan(50);
  });

  it("gets a reply of seventy tokens a second as any other reader does", async () => {
    const { direct, relayed, longest } = await reply(14);
    expect(relayed.writes).toEqual(direct.writes);
    expect(longest).toBeLessThanOrEqual(16);
  });

  it("gets what is urgent at once in a fast reply, too", async () => {
    const { clock, journal, add, open, fact } = new Stage();
    const relayed = add(false, { relayed: true });
    open("p");
    for (let ms = 0; ms < 36; ms++) {
      journal.addDelta("p", `token ${ms}`);
      await settle();
      clock.advance(1);
    }
    const before = relayed.writes.length;
    fact();
    await settle();
    expect(relayed.writes.length).toBe(before + 1);
    expect(relayed.text).toContain("token 35");
  });
});
