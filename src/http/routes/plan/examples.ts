// Examples of plans, receipts and runs of checks for `/openapi.json`.
import { time } from "../../examples.ts";

export const checkRun = {
  check_run_id: "checks-001",
  thread_id: "thread-001",
  status: "running" as const,
  reason: null,
  task_ids: ["task_01jb2c3d4e5f6g7h8j9kamnbpc"],
  receipt_ids: [],
  created_at: "2026-03-01T12:00:00.000Z",
  finished_at: null,
};

export const plan = {
  version: 3,
  sections: [
    {
      id: "sec_01k9a4xw3tq8m5v7c2d6e9f0gh",
      title: "需求分析",
      tasks: [
        {
          id: "task_01k9a4xw3vn2r6s8t4u5w7x9yz",
          content: "分析功能需求",
          status: "in_progress" as const,
          section_id: "sec_01k9a4xw3tq8m5v7c2d6e9f0gh",
          checks: [
            {
              id: "chk_01k9a4xw3wz5b8d1f4h7k0m3pq",
              author: "person" as const,
              spec: { type: "file" as const, path: "docs/requirements.md", contains: "购物车" },
            },
          ],
          verification: "not_run" as const,
        },
      ],
    },
  ],
  total_sections: 1,
  total_tasks: 1,
  completed_tasks: 0,
  next_task: { id: "task_01k9a4xw3vn2r6s8t4u5w7x9yz", content: "分析功能需求" },
};

export const ledger = {
  started_at: time,
  finished_at: null,
  seconds: 41.2,
  steps: 3,
  usage: { input_tokens: 5120, cached_input_tokens: 4096, output_tokens: 900, cost_usd: 0.012 },
  calls: 4,
  failed_calls: 1,
  proven: true,
  challenged: false,
  command_count: 1,
  commands: [{ tool_call_id: "call_1", command: "npm test", exit_code: 0, at: time }],
  file_count: 1,
  files: [{ path: "docs/requirements.md", action: "created" as const, at: time }],
  link_count: 1,
  links: [{ port: 3000, url: "https://3000-k5t2mq7zr4wq3xj6vy2b5n7c3d.previews.example/" }],
};

export const receipt = {
  receipt_id: "rcpt_01k9a4xw3wz5b8d1f4h7k0m3pq",
  task_id: "task_01k9a4xw3vn2r6s8t4u5w7x9yz",
  check_id: "chk_01k9a4xw3wz5b8d1f4h7k0m3pq",
  invocation_id: "inv_01k9a4xw3rj5n8m1q4s7v0x3zb",
  author: "person" as const,
  spec: { type: "command" as const, run: "npm test", contains: "0 failed" },
  outcome: "passed" as const,
  reason: "`npm test` exited with 0.",
  started_at: time,
  duration_ms: 4_210,
  exit_code: 0,
  output_head: "12 passed, 0 failed\n",
  output_tail: "",
  output_bytes: 20,
  output_hash: "6ed8b4b3f5cb63a5c1c2cb7ff6f2f7bd0f55f1a1d4b2cfdd5a8ad4a0d2c2e3aa",
  tree: "0d1f2a4c6b8e9d7f5a3c1b2d4e6f8a9c0b1d3e5f7a9c2b4d6e8f0a1c3b5d7e9f",
};

export const planWithLedger = {
  ...plan,
  sections: plan.sections.map((section) => ({
    ...section,
    tasks: section.tasks.map((task) => ({ ...task, ledger })),
  })),
};

export const planPatch = {
  version: 3,
  operations: [
    { op: "create" as const, section_id: "sec_01k9a4xw3tq8m5v7c2d6e9f0gh", task_contents: ["写验收标准"] },
    {
      op: "update" as const,
      task_ids: ["task_01k9a4xw3vn2r6s8t4u5w7x9yz"],
      checks: [{ type: "command" as const, run: "npm test", contains: "0 failed" }],
      remove_checks: ["chk_01k9a4xw3wz5b8d1f4h7k0m3pq"],
    },
    { op: "update" as const, task_ids: ["task_01k9a4xw3vn2r6s8t4u5w7x9yz"], status: "completed" as const },
  ],
};
