// Threads of one isolate whose checks say much, at the same time: each output is judged as a whole, each receipt has its
// ends, its size and its hash, and the process with a heap as on the platform lives. With SHOW_TIMES=1 the figures are
// printed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Receipt } from "../../src/protocol/plan/check.ts";
import { type MemoryStage, openMemoryStage } from "./memory/stage.ts";

const THREADS = 8;
const TASKS = 2;
const CHECKS = 8;
const OUTPUT_BYTES = 300_000;

let folder = "";
let stage: MemoryStage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-checks-"));
  stage = await openMemoryStage(folder, Number(process.env.HEAP_MIB ?? 96));
});
afterAll(async () => {
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Five times what a receipt keeps. */
function loud(name: string): object {
  const half = `head -c ${OUTPUT_BYTES / 2} /dev/zero | tr '\\0' x`;
  return {
    type: "command",
    contains: "last",
    run: `echo first ${name}; ${half}; echo; echo 12 passed; ${half}; echo; echo last ${name}`,
  };
}

it("holds the outputs of many threads that check at once, and loses no receipt", { timeout: 240_000 }, async () => {
  const threads = Array.from({ length: THREADS }, (_, at) => `checks-${at}`);
  await Promise.all(
    threads.map(async (thread_id) => {
      await stage.json("POST", "/v1/threads", { thread_id });
      const task_contents = Array.from({ length: TASKS }, (_, task) => ({
        content: `Task ${task}`,
        checks: Array.from({ length: CHECKS }, (_, check) => loud(`${thread_id}-${task}-${check}`)),
      }));
      await stage.json("PATCH", `/v1/threads/${thread_id}/tasks`, {
        operations: [{ op: "create", section_title: "S", task_contents }],
      });
    }),
  );
  const ran = threads.map((thread) =>
    stage.json<{ status: string; receipt_ids: string[] }>("POST", `/v1/threads/${thread}/checks/run?wait=1`, {}),
  );
  for (const { status, receipt_ids } of await Promise.all(ran))
    expect([status, receipt_ids.length]).toEqual(["completed", TASKS * CHECKS]);
  for (const thread of threads) {
    const plan = await stage.json<{ sections: { tasks: { receipts: Receipt[] }[] }[] }>(
      "GET",
      `/v1/threads/${thread}/tasks?include=receipts`,
    );
    const receipts = plan.sections.flatMap(({ tasks }) => tasks.flatMap((task) => task.receipts));
    expect(receipts).toHaveLength(TASKS * CHECKS);
    for (const { outcome, output_head, output_tail, output_bytes, output_hash } of receipts) {
      expect([outcome, output_hash?.length]).toEqual(["passed", 64]);
      expect(output_bytes).toBeGreaterThan(OUTPUT_BYTES);
      expect([output_head.startsWith(`first ${thread}`), output_tail.includes(`last ${thread}`)]).toEqual([true, true]);
    }
    const { isolate } = await stage.json<{ isolate: { kept: Record<string, number> } }>(
      "GET",
      `/v1/threads/${thread}/diagnostics`,
    );
    expect(isolate.kept.checks).toBe(0);
  }
  if (process.env.SHOW_TIMES !== undefined) console.log(JSON.stringify(stage.memory()));
});
