import { describe, expect, it } from "vitest";
import type { Scope } from "../../protocol/keys/scope.ts";
import { listSections, readSection } from "./sections.ts";

const listFor = (scopes: Scope[] | null, hasSessions = true) => listSections({ scopes, session_id: null }, hasSessions);

describe("the sections of the settings", () => {
  it("are found by their names, and an unknown name means the first", () => {
    const all = listFor(["read", "run", "write", "admin"]);
    expect(["git", "users", "audit user_ada", "", "__proto__"].map((name) => readSection(name, all))).toEqual([
      "git",
      "users",
      "audit",
      "keys",
      "keys",
    ]);
  });

  it("are those that the key may see, so that another's link leads to one that works", () => {
    expect(listFor(["admin"])).toEqual(["users", "usage", "audit"]);
    expect(readSection("keys", listFor(["admin"]))).toBe("users");
    for (const scopes of [null, ["read", "run", "write"]] as (Scope[] | null)[]) {
      expect(listFor(scopes)).not.toContain("users");
      expect(listFor(scopes)).toContain("audit");
    }
    expect(listFor(["read"])).not.toContain("audit");
  });

  it("include sessions where there can be any", () => {
    expect(listFor(null, false)).not.toContain("sessions");
    expect(listFor(null)).toContain("sessions");
    expect(listSections({ scopes: null, session_id: "sess_1" }, false)).toContain("sessions");
  });
});
