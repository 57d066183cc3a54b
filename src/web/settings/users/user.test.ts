import { describe, expect, it } from "vitest";
import type { User } from "../../../protocol/people/user.ts";
import { bodyOf, draftOf, findUsers, nameUser, patchOf } from "./user.ts";

const some: User = {
  user_id: "user_ada",
  name: "Ada Lovelace",
  email: "ada@example.com",
  role: null,
  state: "active",
  created_at: "2026-01-01T00:00:00.000Z",
  disabled_at: null,
  deleted_at: null,
};

describe("users", () => {
  it("are found by each word in their id, name or email", () => {
    const bob = { ...some, user_id: "user_bob", name: null, email: null };
    const find = (typed: string) => findUsers([some, bob], typed).map(({ user_id }) => user_id);
    expect(find("  ")).toEqual(["user_ada", "user_bob"]);
    expect(find("LOVE ada@")).toEqual(["user_ada"]);
    expect(find("_bob")).toEqual(["user_bob"]);
    expect(find("null")).toEqual([]);
  });

  it("are named by their id without a name", () => {
    expect([some, { ...some, name: " " }, { ...some, name: null }].map(nameUser)).toEqual([
      "Ada Lovelace",
      "user_ada",
      "user_ada",
    ]);
  });

  it("are changed only in what was edited", () => {
    expect(patchOf(some, draftOf(some))).toBeNull();
    expect(patchOf(some, { name: " Ada ", email: "", isAdmin: true })).toEqual({
      name: "Ada",
      email: null,
      role: "admin",
    });
    expect(patchOf({ ...some, role: "admin" }, { ...draftOf(some), isAdmin: false })).toEqual({ role: null });
  });

  it("are made with what was filled in", () => {
    expect(bodyOf({ name: "", email: " ", isAdmin: false }, "")).toEqual({});
    expect(bodyOf({ name: "Ada", email: "a@b.c", isAdmin: true }, "user_ada")).toEqual({
      user_id: "user_ada",
      name: "Ada",
      email: "a@b.c",
      role: "admin",
    });
  });
});
