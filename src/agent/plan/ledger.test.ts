import { describe, expect, it } from "vitest";
import type { Plan, TaskStatus } from "../../protocol/plan/task.ts";
import { noUsage } from "../../protocol/run.ts";
import { addUsage, emptyLedger, foldLedger, type LedgerRow, MAX_LISTED, type TaskTimes, trackTimes } from "./ledger.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const ms = (second: number) => Date.parse(at(second));

const usage = { input_tokens: 10, cached_input_tokens: 4, output_tokens: 5, cost_usd: 0.25 };

function step(task_id: string | undefined, metadata: Record<string, unknown> = { usage }): LedgerRow {
  return {
    type: "assistant",
    created_at: at(1),
    metadata: { finish: "stop", ...(task_id && { task_id }), ...metadata },
  };
}

function call(name: string, details: Record<string, unknown> = {}, more: Record<string, unknown> = {}): LedgerRow {
  return {
    type: "tool",
    created_at: at(2),
    metadata: { name, is_error: false, details, task_id: "task_a", ...more },
  };
}

const command = (id: string, exit_code: number | null): LedgerRow =>
  call("execute_command", { command: `run ${id}`, command_id: id, exit_code, running: exit_code === null });

function fold(rows: LedgerRow[], times: TaskTimes = {}) {
  return foldLedger({ rows, times, spans: [{ from: ms(0), to: ms(60) }], now: ms(60) });
}

describe("the ledger", () => {
  it("holds commands with exit codes, files, links, steps and their cost, by task", () => {
    const { task_a, task_b } = fold([
      step("task_a"),
      call("create_file", { path: "a.ts", bytes: 3 }),
      command("c1", 0),
      command("c2", 1),
      step("task_a"),
      call("move_file", { from: "a.ts", to: "b.ts" }),
      call("expose_port", { port: 3000, url: "http://old/" }),
      call("expose_port", { port: 3000, url: "http://new/" }),
      call("read_file", { path: "b.ts" }),
      step("task_b"),
      step(undefined),
    ]);
    expect(task_a).toMatchObject({
      steps: 2,
      usage: { input_tokens: 20, cached_input_tokens: 8, output_tokens: 10, cost_usd: 0.5 },
      calls: 7,
      failed_calls: 1,
      proven: true,
      commands: [
        { tool_call_id: "c1", command: "run c1", exit_code: 0, at: at(2) },
        { tool_call_id: "c2", command: "run c2", exit_code: 1, at: at(2) },
      ],
      files: [
        { path: "a.ts", action: "created", at: at(2) },
        { path: "b.ts", action: "moved", at: at(2) },
      ],
      links: [{ port: 3000, url: "http://new/" }],
    });
    expect(task_b).toMatchObject({ steps: 1, calls: 0, proven: false });
  });

  it("counts neither refused calls nor calls without a task", () => {
    const refused: LedgerRow = { type: "tool", created_at: at(2), metadata: { name: "create_file", is_error: true } };
    expect(fold([refused, { type: "tool", created_at: at(2), metadata: {} }])).toEqual({});
  });

  it("counts a background command as evidence, and a failed call not", () => {
    expect(fold([call("create_file", { code: "denied" }, { is_error: true }), command("c1", 2)]).task_a).toMatchObject({
      calls: 2,
      failed_calls: 2,
      proven: false,
      files: [],
    });
    expect(fold([command("c1", null)]).task_a?.proven).toBe(true);
  });

  it("records from a later look how a command ended, which may disprove it", () => {
    const look = (exit_code: number | null) => call("check_command_output", { command_id: "c1", exit_code });
    expect(fold([command("c1", null), look(null), look(0)]).task_a?.commands[0]?.exit_code).toBe(0);
    const failed = fold([command("c1", null), { ...look(1), metadata: { ...look(1).metadata, task_id: "task_b" } }]);
    expect(failed.task_a).toMatchObject({ proven: false, commands: [{ exit_code: 1 }] });
  });

  it("counts a partial reply's cost, but not as a step", () => {
    expect(fold([step("task_a", { usage, partial: true })]).task_a).toMatchObject({ steps: 0, usage });
  });

  it("keeps the newest of long lists, and their counts", () => {
    const many = Array.from({ length: MAX_LISTED + 7 }, (_, index) => command(`c${index}`, 0));
    const { task_a } = fold(many);
    expect(task_a?.command_count).toBe(MAX_LISTED + 7);
    expect(task_a?.commands).toHaveLength(MAX_LISTED);
    expect(task_a?.commands.at(-1)?.tool_call_id).toBe(`c${MAX_LISTED + 6}`);
  });

  it("counts time only while a run was at work", () => {
    const times = {
      task_a: { started_at: at(10), finished_at: at(50) },
      task_b: { started_at: at(55), finished_at: null },
    };
    const spans = [
      { from: ms(0), to: ms(20) },
      { from: ms(40), to: ms(60) },
    ];
    const ledger = foldLedger({ rows: [], times, spans, now: ms(60) });
    expect(ledger.task_a?.seconds).toBe(20);
    expect(ledger.task_b?.seconds).toBe(5);
    expect(emptyLedger().seconds).toBeNull();
  });
});

describe("the times of tasks", () => {
  function plan(...statuses: (TaskStatus | null)[]): Plan {
    const tasks = statuses.flatMap((status, place) =>
      status === null ? [] : [{ id: `task_${place}`, content: "t", status, section_id: "sec_1" }],
    );
    return { version: 1, sections: [{ id: "sec_1", title: "S" }], tasks };
  }

  it("follow each status, and are dropped with their task", () => {
    const before = plan("in_progress", "pending", "pending", "in_progress", "pending");
    const known = {
      task_0: { started_at: at(1), finished_at: null },
      task_3: { started_at: at(2), finished_at: null },
    };
    const after = plan("completed", "completed", "cancelled", null, "in_progress");
    expect(trackTimes(known, before, after, at(9))).toEqual({
      task_0: { started_at: at(1), finished_at: at(9) },
      task_1: { started_at: at(9), finished_at: at(9) },
      task_2: { started_at: null, finished_at: at(9) },
      task_4: { started_at: at(9), finished_at: null },
    });
  });

  it("stay unknown for a task that started before they were kept", () => {
    const before = plan("completed", "in_progress");
    expect(trackTimes({}, before, { ...before, version: 2 }, at(9))).toEqual({});
  });
});

describe("the sum of usages", () => {
  const one = { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 };

  it("adds money without dust, and what is unknown as nothing", () => {
    const costs = [0.1, 0.2, null, 0.0000007, 0.0000007];
    const sum = costs.reduce((sum, cost_usd) => addUsage(sum, { ...one, cost_usd }), noUsage);
    expect(sum).toEqual({ input_tokens: 5, cached_input_tokens: 0, output_tokens: 5, cost_usd: 0.3000014 });
    expect(addUsage(noUsage, { ...one, cost_usd: null }).cost_usd).toBeNull();
  });

  it("keeps which part of it is estimated", () => {
    const estimated = { calls: 1, input_tokens: 3, output_tokens: 4, cost_usd: null };
    const more = { ...estimated, calls: 2, cost_usd: 0.5 };
    const usage = addUsage({ ...one, cost_usd: null, estimated }, { ...one, cost_usd: 0.5 });
    expect(usage.estimated).toEqual(estimated);
    expect(addUsage(usage, { ...one, cost_usd: 0.5, estimated: more }).estimated).toEqual({
      ...{ calls: 3, input_tokens: 6, output_tokens: 8, cost_usd: 0.5 },
    });
  });
});
