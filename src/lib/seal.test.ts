import { describe, expect, it } from "vitest";
import { createSeal } from "./seal.ts";

const row = ["user_a", "sec_1"];

describe("a sealed text", () => {
  it("opens with the same key and in the same row only", async () => {
    const seal = createSeal(["a key"]);
    const sealed = await seal.seal("pässwörd \u0000", row);
    expect(await createSeal(["a key"]).open(sealed, row)).toEqual({ ok: true, text: "pässwörd \u0000" });
    for (const other of [["user_b", "sec_1"], ["user_a", "sec_2"], ["user_a"], ["user_asec_1"], []]) {
      expect(await seal.open(sealed, other)).toEqual({ ok: false, reason: "damaged" });
    }
  });

  it("differs each time and contains no piece of the plain text", async () => {
    const seal = createSeal(["a key"]);
    const [one, other] = [await seal.seal("canary", row), await seal.seal("canary", row)];
    expect(one.sealed).not.toBe(other.sealed);
    expect(atob(one.sealed)).not.toContain("canary");
  });

  it("is sealed by the first key, and opens with any", async () => {
    const old = await createSeal(["old"]).seal("text", row);
    const both = createSeal(["new", "old"]);
    expect(await both.open(old, row)).toEqual({ ok: true, text: "text" });
    const fresh = await both.seal("text", row);
    expect(fresh.key_id).not.toBe(old.key_id);
    expect(await createSeal(["new"]).open(fresh, row)).toEqual({ ok: true, text: "text" });
  });

  it("reports a missing key or damage as a value and never throws", async () => {
    const sealed = await createSeal(["old"]).seal("text", row);
    expect(await createSeal(["new"]).open(sealed, row)).toEqual({ ok: false, reason: "key_missing" });
    const flipped = `${sealed.sealed.slice(0, -4)}AAAA`;
    for (const text of [flipped, "", "AAAA", "*"]) {
      const opened = await createSeal(["old"]).open({ ...sealed, sealed: text }, row);
      expect(opened).toEqual({ ok: false, reason: "damaged" });
    }
  });
});
