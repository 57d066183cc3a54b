import { describe, expect, it } from "vitest";
import type { SandboxRecord } from "./sandboxes.ts";
import { findDueChange, refuseChange, resizeRecord } from "./states.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const minuteMs = 60_000;

function record(more: Partial<SandboxRecord>): SandboxRecord {
  const ago = new Date(now - 20 * minuteMs).toISOString();
  const intervals = { autoStopInterval: 0, autoArchiveInterval: 0, autoDeleteInterval: -1 };
  const base = { state: "started", cpu: 2, memory: 2, disk: 3, lastActivityAt: ago, stoppedAt: ago };
  return { ...base, ...intervals, ...more } as SandboxRecord;
}

describe("refuseChange", () => {
  it("rejects with 409 while a change is under way, and meanwhile lets only a build be deleted", () => {
    for (const state of [
      "creating",
      "starting",
      "stopping",
      "archiving",
      "restoring",
      "resizing",
      "destroying",
    ] as const) {
      expect(() => refuseChange(record({ state }), "start")).toThrow("Sandbox state change in progress");
      expect(() => refuseChange(record({ state }), "delete")).toThrow("Sandbox state change in progress");
    }
    expect(() => refuseChange(record({ state: "building_snapshot" }), "stop")).toThrow("in progress");
    expect(() => refuseChange(record({ state: "building_snapshot" }), "delete")).not.toThrow();
  });

  it("names the state that a change needs", () => {
    expect(() => refuseChange(record({ state: "started" }), "start")).toThrow("Sandbox is not in valid state");
    for (const state of ["stopped", "archived"] as const) {
      expect(() => refuseChange(record({ state }), "stop")).toThrow("Sandbox is not in a stoppable state");
    }
    expect(() => refuseChange(record({ state: "started" }), "archive")).toThrow("Sandbox is not stopped");
    const ephemeral = record({ state: "stopped", autoDeleteInterval: 0 });
    expect(() => refuseChange(ephemeral, "archive")).toThrow("Ephemeral sandboxes cannot be archived");
    expect(() => refuseChange(record({ state: "error", recoverable: false }), "recover")).toThrow("not recoverable");
    for (const change of ["start", "stop", "archive"] as const) {
      expect(() => refuseChange(record({ state: "error" }), change)).toThrow("Sandbox is in an errored state");
      expect(() => refuseChange(record({ state: "build_failed" }), change)).toThrow("Sandbox is in an errored state");
    }
  });
});

describe("resizeRecord", () => {
  it("lets a running sandbox only grow, and a disk never shrink", () => {
    expect(resizeRecord(record({}), { cpu: 3 })).toEqual({ cpu: 3, memory: 2, disk: 3 });
    expect(() => resizeRecord(record({}), { cpu: 1 })).toThrow(/stopped state to decrease the number of CPU/);
    expect(() => resizeRecord(record({}), { memory: 1 })).toThrow(/stopped state to decrease memory/);
    expect(() => resizeRecord(record({}), { disk: 4 })).toThrow(/only be performed on a stopped/);
    const stopped = record({ state: "stopped" });
    expect(resizeRecord(stopped, { cpu: 1, disk: 4 })).toEqual({ cpu: 1, memory: 2, disk: 4 });
    expect(() => resizeRecord(stopped, { disk: 2 })).toThrow(/cannot be decreased/);
    expect(() => resizeRecord(stopped, { disk: 3 })).toThrow(/No resource changes/);
  });
});

describe("findDueChange", () => {
  const due = (more: Partial<SandboxRecord>): string | undefined => findDueChange(record(more), now);

  it("stops what is idle, and leaves alone what may run for ever", () => {
    expect(due({})).toBeUndefined();
    expect(due({ autoStopInterval: 20 })).toBe("stop");
    expect(due({ autoStopInterval: 21 })).toBeUndefined();
  });

  it("archives or deletes what is stopped, and never archives what is ephemeral", () => {
    expect(due({ state: "stopped", autoArchiveInterval: 20 })).toBe("archive");
    expect(due({ state: "stopped", autoDeleteInterval: 20 })).toBe("delete");
    expect(due({ state: "archived", autoArchiveInterval: 20 })).toBeUndefined();
    expect(due({ state: "archived", autoDeleteInterval: 20 })).toBe("delete");
  });

  it("deletes whatever has outlived its time to live, but not during a change", () => {
    const autoDestroyAt = new Date(now).toISOString();
    expect(due({ autoDestroyAt })).toBe("delete");
    expect(due({ state: "starting", autoDestroyAt })).toBeUndefined();
  });
});
