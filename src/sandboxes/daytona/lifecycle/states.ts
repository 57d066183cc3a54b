// Every state that Daytona reports, and the next move from there to a started sandbox.

export type Move =
  /** It runs. */
  | "use"
  /** There is none. */
  | "make"
  | "start"
  /** Recover it, or start it if Daytona can't recover it; only once. */
  | "repair"
  /** It was never completed and contains nothing: delete it and create another one. */
  | "remake"
  | "wait";

export interface StatePlan {
  move: Move;
  /** The time limit from the moment in which the state was seen. */
  limit: "ready_ms" | "restore_ms" | "build_ms";
  /** Shown to anyone who waits. */
  message: string;
}

const plan = (move: Move, message: string, limit: StatePlan["limit"] = "ready_ms"): StatePlan => ({
  move,
  limit,
  message,
});

const plans: Record<string, StatePlan> = {
  started: plan("use", "The sandbox is ready."),
  none: plan("make", "A sandbox is being made."),
  stopped: plan("start", "The sandbox is being started."),
  paused: plan("start", "The sandbox is being resumed."),
  archived: plan("start", "The sandbox is being restored from its archive.", "restore_ms"),
  error: plan("repair", "The sandbox is in an error; it is being recovered."),
  build_failed: plan("remake", "The sandbox's image could not be built; it is built again."),
  creating: plan("wait", "The sandbox is being made."),
  pending_build: plan("wait", "The build of the sandbox's image is about to begin.", "build_ms"),
  building_snapshot: plan("wait", "The sandbox's image is being built.", "build_ms"),
  pulling_snapshot: plan("wait", "The sandbox's image is being pulled.", "build_ms"),
  starting: plan("wait", "The sandbox is starting."),
  stopping: plan("wait", "The sandbox is stopping; it is started again then."),
  pausing: plan("wait", "The sandbox is being paused; it is resumed then."),
  resuming: plan("wait", "The sandbox is resuming."),
  archiving: plan("wait", "The sandbox is being archived; it is restored then.", "restore_ms"),
  restoring: plan("wait", "The sandbox is being restored from its archive.", "restore_ms"),
  resizing: plan("wait", "The sandbox is given other resources."),
  snapshotting: plan("wait", "A snapshot of the sandbox is being taken.", "restore_ms"),
  forking: plan("wait", "The sandbox is being forked.", "restore_ms"),
  destroying: plan("wait", "The former sandbox is being deleted."),
};

export const STATES = Object.keys(plans);

/** An unknown state, of a later Daytona, is waited for in the hope that it passes. */
export function planFor(state: string): StatePlan {
  return plans[state] ?? plan("wait", `The sandbox's state is "${state.slice(0, 50)}".`);
}

export function isBuilding(state: string): boolean {
  return planFor(state).limit === "build_ms";
}
