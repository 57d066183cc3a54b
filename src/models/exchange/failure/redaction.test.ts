import fc from "fast-check";
import { expect, it } from "vitest";
import { hideSecrets } from "./redaction.ts";

const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, "0");
const writings: ((character: string) => string)[] = [
  (character) => character,
  (character) => character.toUpperCase(),
  (character) => `%${hex(character)}`,
  (character) => `&#${character.charCodeAt(0)};`,
  (character) => `&#x${hex(character)};`,
  (character) => `\\u00${hex(character)}`,
];
const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) });

it("hides a secret whatever way each of its characters is written, and nothing beside it", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."aB3-_+/=.~"), minLength: 8, maxLength: 40 });
  const chosen = fc.array(fc.constantFrom(...writings), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(secret, chosen, (key, ways) => {
      const written = Array.from(key, (character, at) => ways[at]?.(character)).join("");
      expect(hideSecrets(`<${written}>`, [key])).toBe("<[key]>");
    }),
  );
});

it("changes nothing in a text without the secret", () => {
  fc.assert(
    fc.property(visible, (text) => {
      expect(hideSecrets(text, ["another-secret-0123456789 ä"])).toBe(text);
    }),
  );
});
