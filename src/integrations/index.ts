// The shelf of integrations: how each outside service signs, what its messages mean, and what it is told of a run.
export { findScheduleFault, lastDue, nextTimes, tellDue } from "./schedule-times.ts";
export { type Firing, toRunInput } from "./trigger-run.ts";
