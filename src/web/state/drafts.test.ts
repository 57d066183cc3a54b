import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../client/api.ts";
import { deliver } from "./deliver.ts";
import { drafts, forgetTyped, giveBack, setDraft } from "./drafts.ts";

const message = { thread: "t", run: "r", id: "m", text: "said" };

afterEach(() => {
  forgetTyped();
  vi.useRealTimers();
});

describe("what a person typed", () => {
  it("is kept for each thread by itself, also where the browser keeps nothing", () => {
    setDraft("t", "one");
    setDraft("", "new");
    expect(drafts.get()).toEqual({ t: "one", "": "new" });
  });

  it("stands in the box again when it was refused, before what was typed meanwhile", () => {
    giveBack("t", "refused");
    expect(drafts.get().t).toBe("refused");
    setDraft("t", "typed");
    giveBack("t", "refused");
    expect(drafts.get().t).toBe("refused\ntyped");
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
