// How a run handles a failing sandbox: a passing fault costs time and nothing else. A lasting one is either an error
// that the model reads and works around, or the end of the run with a sentence that a person can act on. The table of
// these cases is in docs/reliability.md.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../dev/daytona/faults.ts";
import type { Run } from "../../src/protocol/run.ts";
import { eventually } from "./daytona-fixture.ts";
import {
  counted,
  type FaultySandboxes,
  ofRecord,
  ofSandbox,
  readCount,
  startFaultySandboxes,
} from "./faulty-sandboxes.ts";
import { describeBuilds, enterBuilds } from "./sandbox-run-builds.ts";
import { describeCancel, describeCancelAmidAll, enter } from "./sandbox-run-cancel.ts";

let sandboxes: FaultySandboxes;
const measured: [cell: string, ms: number][] = [];
const measure = (cell: string, ms: number) => measured.push([cell, Math.round(ms)]);

beforeAll(async () => {
  sandboxes = await startFaultySandboxes();
  enter(sandboxes, measure);
  enterBuilds(sandboxes);
});
afterAll(async () => {
  if (process.env.SHOW_TIMES !== undefined) console.table(measured);
  await sandboxes.close();
});

/** The run's end, timed, while these faults are present. */
async function askDuring(cell: string, thread: string, faults: Fault[], message = counted): Promise<Run> {
  sandboxes.faults.push(...faults);
  const begun = performance.now();
  const run = await sandboxes.ask(thread, message);
  measure(cell, performance.now() - begun);
  for (const fault of faults) sandboxes.faults.splice(sandboxes.faults.indexOf(fault), 1);
  // A sandbox is asked for by its name once, and by its id from then on.
  const ofOneRecord = faults.filter(({ request }) => request.startsWith("* /api/sandbox/"));
  const wasMet = (fault: Fault) =>
    (ofOneRecord.includes(fault) ? ofOneRecord : [fault]).some(({ hits = 0 }) => hits > 0);
  expect([cell, faults.map(wasMet)]).toEqual([cell, faults.map(() => true)]);
  return run;
}

type Cell = [name: string, makeFaults: (sandbox: Awaited<ReturnType<FaultySandboxes["prepare"]>>) => Fault[]];

describe.concurrent("a run whose sandbox fails", () => {
  // In both lists the slowest one comes first: the others finish beside it.
  const passing: Cell[] = [
    ["one request that is never answered", (box) => [ofSandbox(box, "silence", { path: "*/exec", times: 1 })]],
    ["502 on the way to the sandbox", (box) => [ofSandbox(box, "bad_gateway", { times: 4 })]],
    ["connections that are reset", (box) => [ofSandbox(box, "reset", { times: 4 })]],
    ["a start whose answer is lost", (box) => [ofSandbox(box, "lost_answer", { path: "*/exec", times: 1 })]],
    ["too many requests", (box) => [ofSandbox(box, "rate_limited", { times: 2 })]],
    ["a sandbox that is not up yet", (box) => [ofSandbox(box, "not_started", { times: 2 })]],
    [
      "502, while Daytona's API fails as well",
      (box) => [ofSandbox(box, "bad_gateway", { times: 1 }), { ...first(ofRecord(box, "internal_error")), times: 2 }],
    ],
  ];

  it.each(passing)("continues after %s, and the command ran once", async (name, makeFaults) => {
    const thread = nameThread(name);
    const sandbox = await sandboxes.prepare(thread);
    const run = await askDuring(name, thread, makeFaults(sandbox));
    expect([run.status, run.error]).toEqual(["completed", null]);
    expect((await sandboxes.results(thread)).at(-1)).toBe("exit_code: 0\ncounted\n");
    expect(await readCount(sandbox)).toBe("line\n");
  });

  const lasting: [...Cell, message: RegExp][] = [
    ["requests that are never answered", (box) => [ofSandbox(box, "silence")], /no answer|can't be reached/],
    ["502 on the way to the sandbox", (box) => [ofSandbox(box, "bad_gateway")], /can't be reached.*502.*Try again/],
    ["connections that are reset", (box) => [ofSandbox(box, "reset")], /can't be reached.*Try again/],
    ["a container that is gone", (box) => [ofSandbox(box, "no_container")], /404.*Try again/],
    [
      "502, while Daytona's API fails as well",
      (box) => [ofSandbox(box, "bad_gateway"), first(ofRecord(box, "internal_error"))],
      /can't be reached or fails.*500.*Try again/,
    ],
    [
      "too many requests, for a minute",
      (box) => [ofSandbox(box, "rate_limited", { retryAfterSeconds: 60 })],
      /rate limit.*60 seconds/,
    ],
    [
      "a sandbox that is broken",
      (box) => [ofSandbox(box, "bad_gateway"), ...ofRecord(box, "state", { state: "error" })],
      /state "error".*Delete it/,
    ],
  ];

  it.each(lasting)("ends after %s, and says what can be done", async (name, makeFaults, message) => {
    const thread = nameThread(name);
    const sandbox = await sandboxes.prepare(thread);
    const run = await askDuring(`for ever: ${name}`, thread, makeFaults(sandbox));
    expect([run.status, run.error?.code]).toEqual(["failed", "sandbox_error"]);
    expect(run.error?.message).toMatch(message);
    expect(run.error?.message).toMatch(/^[A-Z].{20,}[.!]$/s);
    expect((await sandboxes.results(thread)).at(-1)).toBe(run.error?.message);
    // The thread is not affected.
    expect((await sandboxes.ask(thread, counted)).status).toBe("completed");
  });
});

describe.concurrent("a run in a sandbox whose disk is full", () => {
  it("reads that a file was not written, and continues", async () => {
    const sandbox = await sandboxes.prepare("full-file");
    const full = ofSandbox(sandbox, "disk_full", { path: "files/bulk-upload", times: 1 });
    const write = '[[tool create_file {"path":"a.txt","content":"text"}]]';
    const run = await askDuring("disk full: a file", "full-file", [full], `${write} [[then]] ${write}`);
    expect(run.status).toBe("completed");
    expect((await sandboxes.results("full-file")).slice(-2)).toEqual([
      "a.txt: the sandbox's disk is full.",
      "Wrote a.txt (4 bytes).",
    ]);
  });

  it("reads how a command failed, or was not started, and continues", async () => {
    const sandbox = await sandboxes.prepare("full-command");
    const full = ofSandbox(sandbox, "disk_full", { path: "*/exec", times: 1 });
    const write = '[[tool execute_command {"command":"echo text > /dev/full"}]]';
    const run = await askDuring("disk full: a command", "full-command", [full], `${write} [[then]] ${write}`);
    expect(run.status).toBe("completed");
    const [refused, failed] = (await sandboxes.results("full-command")).slice(-2);
    expect(refused).toContain("no space left on device");
    expect(failed).toMatch(/exit_code: 1\n.*No space left on device/i);
  });
});

// The life of this sandbox is the Daytona server's, so these faults affect no other thread.
describe.concurrent("a run whose sandbox", () => {
  it("is being stopped waits for that, starts it, and continues", async () => {
    const sandbox = await sandboxes.prepare("stopping");
    await sandbox.stop();
    const faults = [
      ofSandbox(sandbox, "bad_gateway", { times: 1 }),
      ...ofRecord(sandbox, "state", { state: "stopping", times: 2 }),
    ];
    expect((await askDuring("502 during stop", "stopping", faults)).status).toBe("completed");
    expect(await readCount(sandbox)).toBe("line\n");
  });

  it("was archived gets it back with its files", async () => {
    const sandbox = await sandboxes.prepare("archived");
    await sandbox.process.executeCommand("echo line >> count.txt");
    await sandbox.stop();
    await sandbox.archive();
    const faults = [ofSandbox(sandbox, "no_container", { times: 1 })];
    expect((await askDuring("404 archived", "archived", faults)).status).toBe("completed");
    expect(await readCount(sandbox)).toBe("line\nline\n");
  });

  it("is deleted within a command continues in a new one, and the model is notified", async () => {
    const sandbox = await sandboxes.prepare("deleted");
    const waiting = '[[tool execute_command {"command":"touch begun; sleep 60"}]]';
    const begun = performance.now();
    const run = sandboxes.ask("deleted", `${waiting} [[then]] ${counted}`);
    await eventually(async () => (await sandbox.process.executeCommand("ls")).result.includes("begun"));
    await sandbox.delete();
    expect((await run).status).toBe("completed");
    measure("deleted by hand", performance.now() - begun);
    const [, lost, next] = await sandboxes.results("deleted");
    expect(lost).toMatch(/restarted or replaced while the command ran.*The sandbox is new: files.*gone/s);
    expect(next).toBe("exit_code: 0\ncounted\n");
    expect((await sandboxes.sandboxOf("deleted")).id).not.toBe(sandbox.id);
  });

  it("is gone, and can neither be created nor found again, ends and says so", async () => {
    const sandbox = await sandboxes.prepare("unseen");
    const faults = [ofSandbox(sandbox, "no_container"), ...ofRecord(sandbox, "not_found")];
    const run = await askDuring("for ever: 404 deleted", "unseen", faults);
    expect([run.status, run.error?.code]).toEqual(["failed", "sandbox_error"]);
    expect(run.error?.message).toMatch(/there is a sandbox named.*does not show it.*Try again/);
  });
});

describe.concurrent("a run whose project specifies its sandbox", describeBuilds);

describe.concurrent("a cancel", describeCancel);

// These faults affect all sandboxes: one after another.
describe("a run that creates a sandbox", () => {
  it("waits for one that stays in creation for a while", async () => {
    const states: Fault[] = [
      { request: "POST /api/sandbox", answer: "state", state: "creating" },
      { request: "GET /api/sandbox/*", answer: "state", state: "starting", times: 6 },
    ];
    expect((await askDuring("create that stays starting", "slow", states)).status).toBe("completed");
    expect(await readCount(await sandboxes.sandboxOf("slow"))).toBe("line\n");
  });

  it("waits for a short rate limit, and reports when to come back after a long one", async () => {
    const limited: Fault = { request: "POST /api/sandbox", answer: "rate_limited", times: 1 };
    expect((await askDuring("429 at create", "limited", [limited])).status).toBe("completed");
    const long: Fault = { request: "POST /api/sandbox", answer: "rate_limited", retryAfterSeconds: 300 };
    const run = await askDuring("for ever: 429 at create", "told", [long]);
    expect(run).toMatchObject({ status: "failed", error: { code: "sandbox_error" } });
    expect(run.error?.message).toContain("300 seconds");
  });

  it.skipIf(process.env.LONG_FAULTS === undefined)(
    "gives up on one that stays in creation for ever",
    async () => {
      const states: Fault[] = [
        { request: "POST /api/sandbox", answer: "state", state: "creating" },
        { request: "GET /api/sandbox/*", answer: "state", state: "starting" },
      ];
      const run = await askDuring("for ever: create that stays starting", "never", states);
      expect(run).toMatchObject({ status: "failed", error: { code: "sandbox_error" } });
      expect(run.error?.message).toMatch(/did not start within 1\d\d seconds; its state is "starting"/);
    },
    200_000,
  );

  it("outlives a restart of Daytona within its work", async () => {
    const sandbox = await sandboxes.prepare("restart");
    const begun = performance.now();
    let run: Promise<Run> | null = null;
    await sandboxes.withoutDaytona(async () => {
      run = sandboxes.ask("restart", counted);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    });
    expect(await run).toMatchObject({ status: "completed" });
    measure("Daytona away for 2 s", performance.now() - begun);
    expect(await readCount(await sandboxes.client.get(sandbox.id))).toBe("line\n");
  });
});

describe("a cancel during faults that affect all threads", describeCancelAmidAll);

let threads = 0;

function nameThread(name: string): string {
  return `${name.replace(/[^a-z]+/gi, "-").slice(0, 40)}-${++threads}`;
}

function first(faults: Fault[]): Fault {
  const [fault] = faults;
  if (fault === undefined) throw new Error("no fault");
  return fault;
}
