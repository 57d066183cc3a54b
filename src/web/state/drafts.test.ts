import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../client/api.ts";
import { deliver } from "./deliver.ts";
import { beginTyping, drafts, forgetTyped, giveBack, keepUnsent, listUnsent, setDraft } from "./drafts.ts";

const message = { thread: "t", run: "r", id: "m", text: "said" };

/** The part of a browser's storage that is used; its names are its own properties. */
function stubSession(): Record<string, string> {
  const items: Record<string, string> = {};
  const methods = {
    getItem: (name: string) => items[name] ?? null,
    setItem: (name: string, value: string) => {
      items[name] = value;
    },
    removeItem: (name: string) => {
      delete items[name];
    },
  };
  const ownKeys = () => Object.keys(items);
  const describe = (_: object, name: string) => Object.getOwnPropertyDescriptor(items, name);
  vi.stubGlobal("sessionStorage", new Proxy(methods, { ownKeys, getOwnPropertyDescriptor: describe as never }));
  return items;
}

afterEach(() => {
  forgetTyped();
  vi.unstubAllGlobals();
  beginTyping("");
  vi.useRealTimers();
});

describe("what a person typed", () => {
  it("is kept for each thread separately, even where the browser stores nothing", () => {
    setDraft("t", "one");
    setDraft("", "new");
    expect(drafts.get()).toEqual({ t: "one", "": "new" });
  });

  it("returns to the composer when it was refused, before what was typed in the meantime", () => {
    giveBack("t", "refused");
    expect(drafts.get().t).toBe("refused");
    setDraft("t", "typed");
    giveBack("t", "refused");
    expect(drafts.get().t).toBe("refused\ntyped");
  });
});

describe("what one account typed", () => {
  it("is neither shown to nor sent by another account, and is back when the account is", () => {
    stubSession();
    beginTyping("user_a");
    setDraft("t", "half a thought");
    keepUnsent(message);
    beginTyping("user_b");
    expect([drafts.get(), listUnsent("t")]).toEqual([{}, []]);
    // One user's id may be a prefix of another's.
    beginTyping("user_");
    expect([drafts.get(), listUnsent("t")]).toEqual([{}, []]);
    beginTyping("user_a");
    expect([drafts.get(), listUnsent("t")]).toEqual([{ t: "half a thought" }, [message]]);
  });

  it("is forgotten, whichever account's it is, on sign-out", () => {
    const items = stubSession();
    for (const user of ["user_a", "user_b"]) {
      beginTyping(user);
      setDraft("t", "half a thought");
    }
    forgetTyped();
    expect(items).toEqual({});
  });
});

describe("a message beside a run", () => {
  it("is sent with the same ids until the server has it", async () => {
    vi.useFakeTimers();
    const failures: unknown[] = [new TypeError("Failed to fetch"), new ApiError(503, null, "")];
    const sent: unknown[] = [];
    const sendBeside = async (...given: unknown[]): Promise<never> => {
      sent.push(given);
      if (failures.length > 0) throw failures.shift();
      return undefined as never;
    };
    const lost: unknown[] = [];
    const done = deliver({ sendBeside }, message, "steer", (error) => lost.push(error));
    await vi.runAllTimersAsync();
    await done;
    expect(sent).toEqual(Array.from({ length: 3 }, () => ["t", "r", message, "steer"]));
    expect(lost).toHaveLength(2);
    expect(drafts.get()).toEqual({});
  });

  it("is given back where the server refuses it", async () => {
    const sendBeside = async (): Promise<never> => {
      throw new ApiError(413, "body_too_large", "");
    };
    await expect(deliver({ sendBeside }, message, "enqueue")).rejects.toMatchObject({ status: 413 });
    expect(drafts.get()).toEqual({ t: "said" });
  });
});
