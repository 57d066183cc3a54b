import { expect, it } from "vitest";
import { keyLife } from "./key-life.ts";

const now = Date.parse("2026-11-28T00:00:00.000Z");

it("a new key never expires, unless a time is chosen", () => {
  expect(keyLife({ expires_at: null, session_id: null }, now)).toEqual({ end: null, days: [7, 30, 90, 365] });
});

it("a key that expires makes none that lives longer", () => {
  const expires_at = "2027-01-01T00:00:00.000Z";
  expect(keyLife({ expires_at, session_id: null }, now)).toEqual({ end: expires_at, days: [7, 30] });
});

it("a key that a session makes continues after it", () => {
  const expires_at = "2026-11-29T00:00:00.000Z";
  expect(keyLife({ expires_at, session_id: "sess_1" }, now)).toEqual({ end: null, days: [7, 30, 90, 365] });
});
