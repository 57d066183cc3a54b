// Examples of the API's responses, for `/openapi.json` and `/docs`.
import type { AgentView } from "../protocol/agents/agent.ts";

export const time = "2026-11-24T10:00:00.000Z";
export const key = "tl_01jdf3k8x2m4n6p8q0r2s4t6v8_EXAMPLE";

export const ids = { thread_id: "thread-001", project_id: "proj-001", user_id: "user_first" };

export const problem = {
  type: "urn:taskloom:problem:unknown_field",
  title: "A field is not known",
  status: 400,
  detail: 'not known: "mesage"',
  code: "unknown_field",
  request_id: "6d1f5e0c-6a0b-4a53-9a0e-0f1f6a3f7f8e",
};

export const apiKey = {
  key_id: "key_01jdf3k8x2m4n6p8q0r2s4t6v8",
  name: "laptop",
  created_at: time,
  made_by: "admin_key",
  scopes: ["read" as const, "run" as const],
  expires_at: null,
  last_used_at: time,
};

export const session = {
  session_id: "sess_01jdf3k8x2m4n6p8q0r2s4t6v8",
  created_at: time,
  expires_at: "2026-11-25T10:00:00.000Z",
  last_used_at: time,
  user_agent: "Mozilla/5.0",
  address: "203.0.113.9",
  current: true,
};

export const signingSecret = "whsec_RVhBTVBMRS1FWEFNUExFLUVYQU1QTEUtRVhBTVBMRSE=";

export const webhook = {
  webhook_id: "hook_01jdf3k8x2m4n6p8q0r2s4t6v8",
  url: "https://example.com/taskloom",
  events: ["run.completed" as const, "run.failed" as const],
  enabled: true,
  unverified_since: null,
  failing_since: null,
  disabled_at: null,
  disabled_reason: null,
  created_at: time,
  made_by: apiKey.key_id,
};

export const delivery = {
  delivery_id: "del_01jdf3k8x2m4n6p8q0r2s4t6v8",
  event: "run.completed" as const,
  status: "delivered" as const,
  attempts: 1,
  next_attempt_at: null,
  tries: [{ at: time, status: 204, error: null, duration_ms: 87 }],
  payload: {
    type: "run.completed",
    timestamp: time,
    data: {
      thread_id: ids.thread_id,
      project_id: ids.project_id,
      invocation_id: "inv-001",
      status: "completed",
      seq: 128,
      taskloom_hops: 1,
    },
  },
  created_at: time,
  finished_at: time,
};

export const ticket = { url: "wss://taskloom.example/v1/terminal?ticket=4f…", expires_at: time };

export const thread = {
  ...ids,
  title: "Online shop",
  agent_id: "agent_default",
  metadata: {},
  created_at: time,
  updated_at: time,
};

export const threadWithRun = { ...thread, last_run: { invocation_id: "inv-001", status: "completed" } };

export const message = {
  message_id: "msg-001",
  ...ids,
  invocation_id: "inv-001",
  agent_id: "agent_default",
  type: "user" as const,
  is_llm_message: true,
  content: { role: "user", content: "帮我做一个电商网站" },
  metadata: {},
  seq: 1,
  created_at: time,
};

export const waitingMessage = {
  invocation_id: "inv-002",
  message_id: "msg-002",
  on_busy: "enqueue" as const,
  content: "然后写一份使用说明",
  is_cut: false,
  created_at: time,
};

export const run = {
  invocation_id: "inv-001",
  ...ids,
  agent_id: "agent_default",
  agent_version: 1,
  model: "gpt-5",
  instance_id: "inst_01jdf3k8x2m4n6p8q0r2s4t6v8",
  status: "completed" as const,
  attempt: 1,
  steps: 7,
  background: false,
  resumes: null,
  metadata: {},
  usage: { input_tokens: 5120, cached_input_tokens: 4096, output_tokens: 900, cost_usd: null },
  result: { text: "The shop is ready. Most customers pay by card [2].", unfinished_tasks: 0 },
  checked_tasks: { verified: 3, self_checked: 1 },
  sources: [
    {
      ...{ n: 2, url: "https://payments.example/report", title: "How people pay", date: "2026-05-04" },
      ...{ fetched_at: time, hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" },
      ...{ read: true, cited: true },
    },
  ],
  error: null,
  interrupts: [],
  hops: 0,
  caused_by: [],
  created_at: time,
  started_at: time,
  finished_at: time,
};

export const capUse = {
  ...{ scope: "user", name: "max_cost_usd", limit: 5, used: 1.25, reserved: 0.1 },
  ...{ period: "2026-11-24", resets_at: "2026-11-25T00:00:00.000Z" },
};
export const usageDay = { date: "2026-11-24", runs: 3, ...run.usage };

export const agent: AgentView = {
  agent_id: "agent_default",
  name: "Taskloom",
  version: 1,
  instructions: "",
  model: null,
  fallback_models: [],
  temperature: null,
  model_options: { reasoning_effort: "low" },
  max_steps: 100,
  plan_order: "strict",
  tool_format: "native",
  tools: null,
  approvals: { execute_command: ["rm *"] },
  plan_approval: false,
  evidence: "note",
  checks: "require",
  on_failed_task: "continue",
  max_cost_usd: null,
  max_total_tokens: null,
  max_minutes: null,
  on_cap: "end",
  on_disconnect: "continue",
  pinned_version: null,
  created_at: time,
  updated_at: time,
};

export const modelList = {
  data: [
    { id: "gpt-5", is_default: true, price: { input: 1.25, cached_input: 0.125, output: 10 } },
    { id: "deepseek/deepseek-v4-pro", is_default: false, price: { input: 1.32, cached_input: 0.044, output: 3.96 } },
  ],
  incomplete: [],
};

export const comparison = {
  agent_id: "agent_default",
  from: 1,
  to: 3,
  changes: [
    { field: "max_steps", from: 100, to: 50 },
    { field: "approvals", from: {}, to: { execute_command: ["rm *"] } },
  ],
};

/** A shortened stream of a run. */
export const stream = [
  "retry: 1000",
  'id: 1\ndata: {"type":"RUN_STARTED","threadId":"thread-001","runId":"inv-001"}',
  "",
  'id: 9\ndata: {"type":"RUN_FINISHED","threadId":"thread-001","runId":"inv-001","outcome":{"type":"success"}}',
  "",
  "",
].join("\n");

export const diagnostics = {
  instance_id: "inst_01kavq3v8w3s6x0f5n2d9r7g4c",
  born_at: "2026-11-24T10:00:00.000Z",
  alarm_at: "2026-11-24T10:00:30.000Z",
  inbox: [
    {
      invocation_id: "inv-001",
      status: "running" as const,
      attempt: 2,
      lives_without_progress: 1,
      steps: 4,
      background: false,
      startable: true,
      jobs_sent: 0,
      verdict: null,
      calls_begun: 1,
      created_at: "2026-11-24T09:58:00.000Z",
      started_at: "2026-11-24T09:58:00.012Z",
    },
  ],
  steered: 0,
  journal: { newest: 2041, released: 2041, memory_floor: 2000, memory_chars: 5120, open_parts: 1 },
  readers: 2,
  waiters: 0,
  d1: {
    pending: true,
    synced_through: 12,
    messages: 2,
    runs: 1,
    receipts: 0,
    failures: 3,
    failing_since: "2026-11-24T10:00:05.000Z",
    retry_at: "2026-11-24T10:00:21.000Z",
    last_error: "D1 gave no answer within 40 s",
  },
  isolate: { kept: { frames: 812_000, histories: 2_310_000 }, work: 0, waiting: 0 },
  last_errors: [{ at: "2026-11-24T10:00:02.000Z", message: "a job could not be sent: the queue is down" }],
};
