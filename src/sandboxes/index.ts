// The shelf of sandboxes: a new one is a file that implements the ports of `agent/sandbox` and `agent/workspace`, and a
// line here.

export type { DaytonaSettings } from "./daytona/client/client.ts";
export { createDaytonaSandbox, type DaytonaSandbox } from "./daytona/sandbox.ts";
export { createDaytonaWorkspace } from "./daytona/workspace.ts";
