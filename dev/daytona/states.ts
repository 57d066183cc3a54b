/**
 * The states of a sandbox: which may follow which, and Daytona's messages for the rest.
 */
import { HttpError } from "./errors.ts";
import type { SandboxRecord, SandboxState } from "./records.ts";

/** States that last until someone asks for another. All others pass by themselves. */
const restingStates: readonly SandboxState[] = ["started", "stopped", "archived", "error", "build_failed"];

const buildingStates: readonly SandboxState[] = ["pending_build", "building_snapshot"];

function isChanging(state: SandboxState): boolean {
  return !restingStates.includes(state);
}

/** Only a recovery or a deletion leads out. */
function isBroken(state: SandboxState): boolean {
  return state === "error" || state === "build_failed";
}

/** What a client may ask a sandbox to do. */
export type Change = "start" | "stop" | "pause" | "archive" | "recover" | "resize" | "snapshot" | "delete";

interface Rule {
  from: readonly SandboxState[];
  refusal: string;
}

const rules: Record<Exclude<Change, "delete">, Rule> = {
  start: { from: ["stopped", "archived"], refusal: "Sandbox is not in valid state" },
  stop: { from: ["started"], refusal: "Sandbox is not in a stoppable state" },
  pause: { from: ["started"], refusal: "Sandbox is not started" },
  archive: { from: ["stopped"], refusal: "Sandbox is not stopped" },
  recover: { from: ["error"], refusal: "Sandbox must be in error state to recover" },
  resize: { from: ["started", "stopped"], refusal: "Sandbox must be in started or stopped state to resize" },
  snapshot: { from: ["started", "stopped"], refusal: "Sandbox must be in started or stopped state to snapshot" },
};

export function refuseChange(record: SandboxRecord, change: Change): void {
  const mayEnd = change === "delete" && buildingStates.includes(record.state);
  if (isChanging(record.state) && !mayEnd) throw new HttpError(409, "Sandbox state change in progress");
  if (change === "delete") return;
  if (isBroken(record.state) && ["start", "stop", "archive"].includes(change)) {
    throw new HttpError(400, "Sandbox is in an errored state");
  }
  const { from, refusal } = rules[change];
  if (!from.includes(record.state)) throw new HttpError(400, refusal);
  if (change === "archive" && record.autoDeleteInterval === 0) {
    throw new HttpError(400, "Ephemeral sandboxes cannot be archived");
  }
  if (change === "recover" && !record.recoverable) throw new HttpError(400, "Sandbox is not recoverable");
}

export interface Resources {
  cpu: number;
  memory: number;
  disk: number;
}

/** A sandbox's resources after a resize: a running one only grows, and a disk never shrinks. */
export function resizeRecord(record: SandboxRecord, wanted: Partial<Resources>): Resources {
  const { cpu, memory, disk } = record;
  const resized = { cpu: wanted.cpu ?? cpu, memory: wanted.memory ?? memory, disk: wanted.disk ?? disk };
  if (record.state !== "stopped") {
    if (wanted.disk !== undefined) throw new HttpError(400, "Disk resize can only be performed on a stopped sandbox");
    if (resized.cpu < cpu) {
      throw new HttpError(400, "Sandbox must be in stopped state to decrease the number of CPU cores");
    }
    if (resized.memory < memory) throw new HttpError(400, "Sandbox must be in stopped state to decrease memory");
  }
  if (resized.disk < disk) throw new HttpError(400, "Sandbox disk size cannot be decreased");
  if (resized.cpu === cpu && resized.memory === memory && resized.disk === disk) {
    throw new HttpError(400, "No resource changes specified - sandbox is already at the desired configuration");
  }
  return resized;
}

const minuteMs = 60_000;

/** The change that the sandbox's intervals make due now. */
export function findDueChange(record: SandboxRecord, now: number): Change | undefined {
  const { state, autoStopInterval, autoArchiveInterval, autoDeleteInterval } = record;
  if (isChanging(state)) return undefined;
  if (record.autoDestroyAt !== undefined && Date.parse(record.autoDestroyAt) <= now) return "delete";
  if (state === "started") {
    const idleFor = now - Date.parse(record.lastActivityAt);
    return autoStopInterval > 0 && idleFor >= autoStopInterval * minuteMs ? "stop" : undefined;
  }
  if (state !== "stopped" && state !== "archived") return undefined;
  const stoppedFor = now - Date.parse(record.stoppedAt ?? record.updatedAt);
  if (autoDeleteInterval >= 0 && stoppedFor >= autoDeleteInterval * minuteMs) return "delete";
  const archives = state === "stopped" && autoArchiveInterval > 0 && autoDeleteInterval !== 0;
  return archives && stoppedFor >= autoArchiveInterval * minuteMs ? "archive" : undefined;
}
