// A person ends a run whose command runs, hangs or floods, or whose sandbox does not come: the run is cancelled within
// two seconds, whatever the sandbox does, its command ends with everything it started, and nothing continues
// afterwards. Registered by sandbox-run-faults.test.ts, beside whose slow cases these cost no time.
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Fault } from "../../dev/daytona/faults.ts";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { Run } from "../../src/protocol/run.ts";
import { eventually, findProcesses, marker } from "./daytona-fixture.ts";
import { type FaultySandboxes, ofRecord, ofSandbox } from "./faulty-sandboxes.ts";
import { openReader } from "./stream-reader.ts";

/** The contract's figure, with a margin for a busy machine, and ten times what a trivial request takes. */
const cancelMs = 2_000;
const slackMs = 1_000;

let sandboxes: FaultySandboxes;
let measure: (cell: string, ms: number) => void;

export function enter(opened: FaultySandboxes, onTime: typeof measure): void {
  sandboxes = opened;
  measure = onTime;
}

const command = (text: string) => `[[tool execute_command {"command":"${text}"}]]`;

/** Cancels and checks what holds for every cancel. */
async function cancel(cell: string, thread: string, run: string): Promise<Run> {
  const { run: ended, ms, slowest } = await sandboxes.cancel(thread, run);
  measure(`cancel: ${cell}`, ms);
  expect([cell, ended.status, ended.error]).toEqual([cell, "cancelled", null]);
  expect(ms).toBeLessThan(cancelMs + slackMs + 10 * slowest);
  expect((await sandboxes.results(thread)).at(-1)).toMatch(/^cancelled/);
  return ended;
}

// The other side of a socket emits no event here, so it is polled.
const untilHit = (fault: Fault, count = 1) => eventually(async () => (fault.hits ?? 0) >= count);
const untilSleeping = (seconds: string, count: number) =>
  eventually(async () => (await findProcesses(`sleep\0${seconds}`)).length === count);
const untilGone = (text: string) => eventually(async () => (await findProcesses(text)).length === 0);

/** Resolves once no request has arrived for a while. */
async function untilQuiet(counter: Fault): Promise<void> {
  let before = -1;
  while (before !== counter.hits) {
    before = counter.hits ?? 0;
    await pause(2_500);
  }
}

export function describeCancel(): void {
  it("ends a command with everything it started", async () => {
    await sandboxes.prepare("tree");
    const seconds = marker();
    const sleep = `sleep ${seconds}`;
    const run = await sandboxes.begin("tree", command(`${sleep} & (${sleep} & ${sleep}) & nohup ${sleep} & ${sleep}`));
    await untilSleeping(seconds, 5);
    await cancel("a command and its children", "tree", run);
    await untilGone(seconds);
  });

  it("ends a command whose output can't be read", async () => {
    const sandbox = await sandboxes.prepare("unread");
    const seconds = marker();
    const silent = ofSandbox(sandbox, "silence", { path: "*/logs" });
    sandboxes.faults.push(silent);
    const run = await sandboxes.begin("unread", command(`sleep ${seconds}`));
    await untilHit(silent);
    await untilSleeping(seconds, 1);
    await cancel("a command whose log hangs", "unread", run);
    await untilGone(seconds);
  });

  it("leaves nothing of a command whose start was not answered", async () => {
    const sandbox = await sandboxes.prepare("unstarted");
    const silent = ofSandbox(sandbox, "silence", { path: "*/exec" });
    sandboxes.faults.push(silent);
    const run = await sandboxes.begin("unstarted", command("touch started"));
    await untilHit(silent);
    await cancel("a start that hangs", "unstarted", run);
    sandboxes.faults.splice(sandboxes.faults.indexOf(silent), 1);
    // The one that is left belongs to the command that prepared the thread.
    await eventually(async () => (await sandbox.process.listSessions()).length === 1);
    expect((await sandbox.process.executeCommand("ls")).result).not.toContain("started");
  });

  it("does not wait for a sandbox that answers nothing, and leaves it alone after that", async () => {
    const sandbox = await sandboxes.prepare("silent");
    const silent = ofSandbox(sandbox, "silence");
    sandboxes.faults.push(silent);
    const run = await sandboxes.begin("silent", command("echo never"));
    await untilHit(silent);
    await cancel("a sandbox that hangs", "silent", run);
    await untilQuiet(silent);
  });

  it("does not wait for a sandbox that stays starting, and looks at it no more", async () => {
    const sandbox = await sandboxes.prepare("starting");
    await sandbox.stop();
    const states = ofRecord(sandbox, "state", { state: "starting" });
    sandboxes.faults.push(...states);
    const run = await sandboxes.begin("starting", command("echo never"));
    const [byId] = states;
    if (byId === undefined) throw new Error("no fault");
    await untilHit(byId, 3);
    await cancel("a sandbox that stays starting", "starting", run);
    const looks = byId.hits ?? 0;
    await pause(2_500);
    // One may have been in flight.
    expect((byId.hits ?? 0) - looks).toBeLessThan(2);
    for (const fault of states) sandboxes.faults.splice(sandboxes.faults.indexOf(fault), 1);
    // Nothing has started it after the cancel.
    expect((await sandboxes.client.get(sandbox.id)).state).toBe("stopped");
  });

  it("ends a command that floods, of which little was shown", async () => {
    await sandboxes.prepare("flood");
    const word = marker();
    const run = await sandboxes.begin("flood", command(`yes ${word}`));
    const reader = await openReader(sandboxes.access(), `/v1/threads/flood/runs/${run}/events`);
    await reader.until(({ event }) => outputOf(event).includes("live output ends here"));
    await cancel("a command that floods", "flood", run);
    await untilGone(word);
    expect(await reader.ended).toBe("closed");
    const shown = reader.frames.map(({ event }) => outputOf(event)).filter((text) => text !== "");
    expect(shown.join("").length).toBeLessThan(300_000);
    expect(shown.length).toBeLessThan(200);
  });
}

function outputOf(event: ThreadEvent): string {
  return event.type === "CUSTOM" && event.name === "tool_output" ? event.value.text : "";
}

/** About all sandboxes, or about the server: one after another. */
export function describeCancelAmidAll(): void {
  it("does not wait for a sandbox that is being created", async () => {
    const made: Fault = { request: "POST /api/sandbox", answer: "state", state: "creating" };
    sandboxes.faults.push(made, { request: "GET /api/sandbox/*", answer: "state", state: "creating" });
    const run = await sandboxes.begin("creating", command("echo never"));
    await untilHit(made);
    await cancel("a sandbox that stays in the making", "creating", run);
    sandboxes.faults.length = 0;
    expect((await sandboxes.ask("creating", command("echo later"))).status).toBe("completed");
  });

  it("ends a command that a former life of the server had started", async () => {
    await sandboxes.prepare("lives");
    const seconds = marker();
    const run = await sandboxes.begin("lives", command(`sleep ${seconds} & sleep ${seconds}`));
    await untilSleeping(seconds, 2);
    await sandboxes.restartServer();
    expect((await findProcesses(`sleep\0${seconds}`)).length).toBe(2);
    expect((await cancel("a command of a former life", "lives", run)).attempt).toBeGreaterThan(1);
    await untilGone(seconds);
  });

  it("does not wait for a Daytona that is down", async () => {
    await sandboxes.prepare("away");
    await sandboxes.withoutDaytona(async () => {
      const run = await sandboxes.begin("away", command("echo never"));
      await eventually(async () => (await sandboxes.json<Run>("GET", `/v1/threads/away/runs/${run}`)).steps === 1);
      await cancel("a Daytona that is away", "away", run);
    });
  });
}
