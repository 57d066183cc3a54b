import { describe, expect, it } from "vitest";
import { isPing } from "./ping.ts";

const ping = { type: "webhook.ping", timestamp: "2026-11-25T00:00:00.000Z", data: { webhook_id: "hook_1" } };

describe("a payload is a ping", () => {
  it.each([
    ["as it is sent", ping],
    ["in a wrapper", { events: [{ event: ping }] }],
    ["in a list", [ping]],
  ])("%s", (_how, payload) => {
    expect(isPing(payload)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["another type", { ...ping, type: "run.completed" }],
    ["no webhook", { type: "webhook.ping" }],
    ["something else beside it", { events: [ping, { type: "run.completed" }] }],
    ["a wrapper that says more", { id: 1, event: ping }],
    ["a text that quotes one", { issue: { title: JSON.stringify(ping) } }],
    ["wrappers without end", JSON.parse(`${'{"a":'.repeat(1_000)}${JSON.stringify(ping)}${"}".repeat(1_000)}`)],
    ["nothing", null],
    ["no JSON", undefined],
    ["an empty list", []],
  ])("but not with %s", (_what, payload) => {
    expect(isPing(payload)).toBe(false);
  });
});
