import { describe, expect, it } from "vitest";
import { webhookEvents } from "../../../protocol/webhook.ts";
import { eventNames, isUnverified, shortAddress, type Webhook, withEvent } from "./webhook.ts";

describe("eventNames", () => {
  it("are all that the server knows", () => {
    expect(eventNames.toSorted()).toEqual([...webhookEvents].toSorted());
  });
});

describe("withEvent", () => {
  it("adds and removes one, whatever order they were chosen in", () => {
    expect(withEvent(["task.updated", "run.failed"], "run.completed", true)).toEqual([
      ...["run.completed", "run.failed", "task.updated"],
    ]);
    expect(withEvent(["run.failed"], "run.failed", false)).toEqual([]);
    expect(withEvent(["run.failed"], "run.failed", true)).toEqual(["run.failed"]);
  });
});

describe("shortAddress", () => {
  it("is host and path of the address, or the text itself where it is no address", () => {
    expect(shortAddress("https://example.com:8443/taskloom?key=1")).toBe("example.com:8443/taskloom");
    expect(shortAddress("https://example.com/")).toBe("example.com");
    expect(shortAddress("nothing")).toBe("nothing");
  });
});

describe("isUnverified", () => {
  it("is so while an enabled webhook's receiver owes an answer", () => {
    const is = (part: Partial<Webhook>) => isUnverified({ enabled: true, unverified_since: null, ...part } as Webhook);
    const unverified_since = "2026-11-25T00:00:00.000Z";
    expect([is({}), is({ unverified_since }), is({ enabled: false, unverified_since })]).toEqual([false, true, false]);
  });
});
