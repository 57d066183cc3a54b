import fc from "fast-check";
import { expect, it } from "vitest";
import { processorTime } from "../../test/fakes/processor-time.ts";
import { findPlace, findPlaces, replacePlaces } from "./find-places.ts";

/** Texts of few letters repeat themselves. */
const text = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "ab".repeat(40), "😀"), maxLength });

it("finds each place of a part, overlapping ones too", () => {
  const findAll = (whole: string, part: string): number[] => {
    const at = whole.indexOf(part);
    return at < 0 ? [] : [at, ...findAll(whole.slice(at + 1), part).map((next) => at + 1 + next)];
  };
  const parts = text(6).filter((part) => part !== "");
  fc.assert(
    fc.property(text(20), parts, (whole, part) => {
      expect([...findPlaces(whole, part)]).toEqual(findAll(whole, part));
      expect(replacePlaces(whole, part, "$&")).toBe(whole.split(part).join("$&"));
      expect(findPlace(whole, part)).toBe(findAll(whole, part)[0] ?? null);
    }),
  );
});

it("costs the length of a text that has all but the beginning of the part everywhere", async () => {
  const begun = `b${"a".repeat(29_000)}`;
  const whole = `${begun} `.repeat(30) + "a".repeat(1_000_000);
  expect(await processorTime(() => findPlace(whole, `${begun}aa`))).toBeLessThan(1_000);
});

it("costs the length of a text that is one letter, where the part is it with another at its end", async () => {
  const search = () => findPlace("a".repeat(1_000_000), `${"a".repeat(100_000)}b`);
  expect(await processorTime(search)).toBeLessThan(1_000);
});
