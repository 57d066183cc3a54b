/**
 * Writes, uploads and deletes whose process or sandbox is killed: under a file's name there is the former content or
 * the new one, and under a folder's name all of it or nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Adapter, bytes, startAdapter, untilEnd } from "./daytona-adapter.ts";
import { apiKey, eventually } from "./daytona-fixture.ts";

const FILE_BYTES = 3_000_000;
const TREE_FILES = 400;
const KILLS = Number(process.env.KILLS ?? 10);
const steps = ["write", "upload", "delete"] as const;

let adapter: Adapter;

beforeAll(async () => {
  adapter = await startAdapter();
  const first = bytes("a".repeat(FILE_BYTES));
  for (const path of ["written.txt", "uploaded.txt"]) await adapter.sandbox.writeFile(path, first, untilEnd());
});

afterAll(() => adapter.fixture.dispose());

function startWriter(): ChildProcess {
  const program = join(import.meta.dirname, "mortal-files.ts");
  const sizes = [String(FILE_BYTES), String(TREE_FILES)];
  const args = [
    "--disable-warning=ExperimentalWarning",
    program,
    adapter.fixture.server.apiUrl,
    apiKey,
    "adapter",
    ...sizes,
  ];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

/** Kills within the step's second round: the first one opens the connection. */
async function killIn(step: string, wait_ms: number, killsSandbox: boolean): Promise<void> {
  const writer = startWriter();
  const ended = once(writer, "exit");
  let seen = 0;
  await new Promise<void>((resolve) => {
    createInterface({ input: writer.stdout ?? process.stdin }).on("line", (line) => {
      if (line === step && ++seen === 2) resolve();
    });
  });
  await pause(wait_ms);
  if (killsSandbox) await stopSandbox();
  writer.kill("SIGKILL");
  await ended;
  if (!killsSandbox) return;
  // The writer may have begun to start it again.
  await eventually(async () => {
    await adapter.real.refreshData();
    return adapter.real.state === "started" || adapter.real.state === "stopped";
  });
  if (adapter.real.state === "stopped") await adapter.real.start();
}

/** Asks only: the writer would start it again before anybody saw it stopped. */
async function stopSandbox(): Promise<void> {
  const address = `${adapter.fixture.server.apiUrl}/sandbox/${adapter.real.id}/stop?force=true`;
  const response = await fetch(address, { method: "POST", headers: { authorization: `Bearer ${apiKey}` } });
  await response.body?.cancel();
}

const LOOK = `for file in written.txt uploaded.txt; do
  wc -c <$file; tr -d "$(head -c 1 $file)" <$file | wc -c
done
[ -e tree ] && ls tree | wc -l || echo ${TREE_FILES}`;

it(`leave nothing half-written and nothing half-deleted in ${KILLS} kills`, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const step = steps[kill % steps.length] ?? "write";
    // Spread over what a step takes here, in an order that is the same in every run.
    const wait_ms = ((kill * 7) % 20) * 4;
    await killIn(step, wait_ms, kill % 4 === 3);
    const [length, other, uploaded, otherUploaded, files] = (await adapter.shell(LOOK)).trim().split(/\s+/).map(Number);
    const found = { length, other, uploaded, otherUploaded, files };
    const whole = { length: FILE_BYTES, other: 0, uploaded: FILE_BYTES, otherUploaded: 0, files: TREE_FILES };
    expect(found, `kill ${kill}: ${step}, ${wait_ms} ms`).toEqual(whole);
  }
}, 300_000);
