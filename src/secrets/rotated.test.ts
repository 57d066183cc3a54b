import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damaged } from "../../test/fakes/stored-values.ts";
import { openKeys, type RotatedName } from "./rotated.ts";
import { sealSecret } from "./sealed.ts";

const keys = ["a key"];
const name: RotatedName = { user_id: "user_1", kind: "trigger", name: "trig_1" };
const stored = [
  { secret: "new", until: null },
  { secret: "old", until: "2026-11-27T09:00:00.000Z" },
];

async function open(text: string) {
  const sealed = await sealSecret(keys, name, text, "2026-11-27T08:00:00.000Z");
  if (!sealed.ok) throw new Error(sealed.error.detail);
  return openKeys(keys, sealed.value);
}

describe("the keys that sign deliveries", () => {
  it("are read as they were sealed", async () => {
    expect(await open(JSON.stringify(stored))).toEqual({ ok: true, value: stored });
  });

  it.each(["words", "null", '{"secret":"words"}', '[{"secret":5,"until":null}]'])(
    "that are %s are refused as damaged, and not quoted",
    async (text) => {
      const detail = "The trigger's secret can't be opened: it is damaged. Rotate it.";
      expect(await open(text)).toEqual({ ok: false, error: { code: "not_configured", detail } });
    },
  );

  it("of any JSON are keys or refused", () =>
    fc.assert(
      fc.asyncProperty(damaged(fc.constant(stored)), async (value) => {
        const opened = await open(JSON.stringify(value) ?? "");
        for (const key of opened.ok ? opened.value : []) expect(key.secret).toBeTypeOf("string");
      }),
    ));
});
