import { describe, expect, it } from "vitest";
import { bodyOf, draftOf, listZones, newDraft, patchOf, type Trigger } from "./trigger.ts";

const webhook: Trigger = {
  ...{ trigger_id: "trig_1", type: "webhook", agent_id: null, project_id: null, prompt: "Triage.", thread: "new" },
  ...{ verify: { scheme: "github" }, key: null, enabled: true, url: "https://x.example/hooks/trig_1" },
  ...{ cron: null, timezone: null, overlap: null, next_times: [], last_fired_at: null, created_at: "" },
};

describe("bodyOf", () => {
  it("of a schedule has none of a webhook's fields", () => {
    const draft = { ...newDraft("schedule", "Europe/Berlin"), prompt: " Report. ", cron: " 0 9 * * * ", header: "X" };
    expect(bodyOf(draft)).toEqual({
      ...{ type: "schedule", prompt: "Report.", agent_id: null, thread: "new" },
      ...{ cron: "0 9 * * *", timezone: "Europe/Berlin", overlap: "skip" },
    });
  });

  it("of a webhook has its scheme with the filled-in fields, and a key only for threads by key", () => {
    const draft = { ...newDraft("webhook", "UTC"), prompt: "p", key: "{{$.id}}" };
    expect(bodyOf(draft)).toEqual({
      ...{ type: "webhook", prompt: "p", agent_id: null, thread: "new" },
      ...{ verify: { scheme: "github" }, key: null },
    });
    const hmac = { ...draft, scheme: "hmac" as const, header: " X-Signature ", thread: "per_key", signed: "{body}" };
    expect(bodyOf(hmac)).toMatchObject({
      verify: { scheme: "hmac", header: "X-Signature", algorithm: "sha256", encoding: "hex", signed: "{body}" },
      key: "{{$.id}}",
    });
  });

  it("keeps the space at the end of a prefix, which is significant", () => {
    const draft = { ...newDraft("webhook", "UTC"), scheme: "header" as const, header: "Authorization" };
    expect(bodyOf({ ...draft, prefix: "Bearer " }).verify).toEqual({
      ...{ scheme: "header", header: "Authorization", prefix: "Bearer " },
    });
  });
});

describe("draftOf", () => {
  it.each<[string, Partial<Trigger>]>([
    ["GitHub's webhook", {}],
    [
      "an HMAC",
      { verify: { scheme: "hmac", header: "X-S", algorithm: "sha1", encoding: "base64", id_header: "X-Id" } },
    ],
    [
      "a secret in a header, one thread by key",
      { verify: { scheme: "header", header: "X" }, thread: "per_key", key: "$.a" },
    ],
    [
      "a schedule",
      {
        ...{ type: "schedule", verify: null, url: null, cron: "@daily" },
        ...{ timezone: "Asia/Shanghai", overlap: "queue", agent_id: "agent-1" },
      },
    ],
  ])("of %s, saved untouched, changes nothing", (_what, part) => {
    const trigger = { ...webhook, ...part };
    const patch = patchOf(draftOf(trigger));
    expect({ ...trigger, ...patch }).toEqual(trigger);
    expect(patch).not.toHaveProperty("type");
  });
});

describe("listZones", () => {
  it("has the person's own zone and UTC once each, whatever the browser lists", () => {
    const zones = listZones("UTC");
    expect(zones.filter((zone) => zone === "UTC")).toHaveLength(1);
    expect(zones).toContain("Asia/Shanghai");
  });
});
