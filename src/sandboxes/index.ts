// The shelf of sandboxes: a new one is a file that implements the port of `agent/sandbox`, and a line here.
export { createDaytonaSandbox, type DaytonaSandbox, type DaytonaSettings } from "./daytona.ts";
