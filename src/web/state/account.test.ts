import { afterEach, describe, expect, it, vi } from "vitest";
import { type Account, findAccount, mayDo, nameOf } from "./account.ts";
import { recallAccount, recallKey, storeKey, unstoreKey } from "./stored-key.ts";

const key = `tl_01jdf3k8x2m4n6p8q0r2s4t6v8_${"a".repeat(40)}`;
const other = `tl_01jdf3k8x2m4n6p8q0r2s4t6v9_${"a".repeat(40)}`;
const ada: Account = {
  user_id: "user_ada",
  name: "Ada",
  is_admin: false,
  scopes: ["read"],
  expires_at: null,
  session_id: null,
};

afterEach(() => void vi.unstubAllGlobals());

function answer(body: unknown, status = 200) {
  const fetched = vi.fn(async (_address: string, _init: RequestInit) => Response.json(body, { status }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("the account of a key", () => {
  it("is the one that the server names", async () => {
    answer({ ...ada, more: "in a later version" });
    expect(await findAccount(key)).toEqual({ kind: "known", account: ada });
    answer({ user_id: "user_first", name: null, is_admin: true });
    const found = await findAccount("admin");
    expect(found).toMatchObject({ account: { user_id: "user_first", name: null, is_admin: true } });
    expect([nameOf(ada), nameOf({ ...ada, name: null })]).toEqual(["Ada", "user_ada"]);
  });

  it("may do what its key may, and all but what an operator does if it has no scopes", async () => {
    expect((["read", "run", "admin"] as const).map((scope) => mayDo(ada, scope))).toEqual([true, false, false]);
    answer({ ...ada, scopes: null });
    const found = await findAccount(key);
    if (found.kind !== "known") throw new Error(found.kind);
    expect((["read", "write", "admin"] as const).map((scope) => mayDo(found.account, scope))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("is refused where the server says that there is no such key, and unclear for any other answer", async () => {
    answer({ code: "unauthorized" }, 401);
    expect(await findAccount(key)).toEqual({ kind: "refused" });
    for (const [body, status] of [
      [{ code: "internal" }, 500],
      [{ code: "not_found" }, 404],
      [{ code: "not_configured" }, 503],
      [{ status: "ok" }, 200],
    ] as const) {
      answer(body, status);
      expect(await findAccount(key)).toMatchObject({ kind: "unclear" });
    }
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await findAccount(key)).toMatchObject({ kind: "unclear" });
  });

  it("is not requested for a text that can't be a key", async () => {
    const fetched = answer(ada);
    for (const wrong of ["", " ", "a b", "a\nb", "\u{1f511}", "k".repeat(1025), "k".repeat(1_000_000)])
      expect(await findAccount(wrong)).toEqual({ kind: "refused" });
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe("the stored key", () => {
  function stubStorage(items = new Map<string, string>()): Map<string, string> {
    vi.stubGlobal("localStorage", {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => items.set(name, value),
      removeItem: (name: string) => items.delete(name),
    });
    return items;
  }

  it("is stored with its account, and forgotten with it", () => {
    const items = stubStorage();
    storeKey(key, ada);
    expect([recallKey(), recallAccount(key)]).toEqual([key, ada]);
    unstoreKey({ isSignOut: true });
    expect(recallKey()).toBe(null);
    expect(items.size).toBe(0);
  });

  it("has no account where another page has replaced the key alone", () => {
    const items = stubStorage();
    storeKey(key, ada);
    items.set("taskloom key", other);
    expect(recallAccount(other)).toBe(null);
    expect(recallAccount("admin")).toBe(null);
    for (const broken of ["{", "null", "1", '{"key_id":null}', "{}"]) {
      items.set("taskloom account", broken);
      expect([recallAccount(other), recallAccount("admin")]).toEqual([null, null]);
    }
  });
});
