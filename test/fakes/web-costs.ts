// What a server answers to the page about costs: threads whose run works, has ended at a cap or asks to raise one, and
// usage by day and by user.
import type { Page } from "playwright-core";

const usage = { input_tokens: 12_340, cached_input_tokens: 8_000, output_tokens: 560, cost_usd: 0.0123 };
const reserved = { input_tokens: 5_000, output_tokens: 1_000, cost_usd: 0.05 };
const none = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null };
const spent = { ...usage, input_tokens: 4_000_000, cost_usd: 5.02 };
const estimated = { calls: 1, input_tokens: 90_000, output_tokens: 4_000, cost_usd: 0.4 };
const cap = { scope: "agent", name: "max_cost_usd", limit: 5 };
const message =
  "The cap of $5 for a run of this agent leaves too little for the next model call. Raise it to $10 and go on?";
const responseSchema = {
  type: "object",
  properties: { approved: { type: "boolean" }, max_cost_usd: { type: "number", exclusiveMinimum: 5, default: 10 } },
};
const asked = { id: "int_budget_run", reason: "budget", message, toolCallId: "", responseSchema };

const times = { created_at: "2026-11-28T10:00:00.000Z", started_at: "2026-11-28T10:00:00.000Z" };
const common = {
  ...{ invocation_id: "run", project_id: "p", user_id: "user_first", agent_id: "agent_default", agent_version: 1 },
  ...{ model: "demo", instance_id: null, attempt: 1, steps: 3, background: false, resumes: null, metadata: {} },
  ...{ result: null, error: null, interrupts: [], hops: 0, caused_by: [], finished_at: null, ...times },
};

function runOf(thread_id: string): object {
  const finished_at = "2026-11-28T10:04:00.000Z";
  if (thread_id === "working") return { ...common, thread_id, status: "running", usage, reserved };
  const ended = { ...common, thread_id, finished_at, usage: { ...spent, estimated } };
  if (thread_id === "asking") return { ...ended, status: "interrupted" };
  if (thread_id === "unavailable")
    return { ...ended, usage: none, status: "failed", error: { code: "budget_unavailable", message: "raw words" } };
  return { ...ended, status: "failed", error: { code: "budget", message: "raw words", cap } };
}

function eventsOf(threadId: string): object[] {
  const messages = [{ id: "u", role: "user", content: "Compare the prices of ten shops." }];
  const begun = { type: "RUN_STARTED", threadId, runId: "run", input: { threadId, runId: "run", messages } };
  const said = [
    { type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" },
    { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "I have read four of them so far." },
    { type: "TEXT_MESSAGE_END", messageId: "m" },
  ];
  const counted = { type: "CUSTOM", name: "usage", value: { invocation_id: "run", usage, reserved } };
  const ends: Record<string, object[]> = {
    working: [],
    asking: [{ type: "RUN_FINISHED", threadId, runId: "run", outcome: { type: "interrupt", interrupts: [asked] } }],
    ended: [{ type: "RUN_ERROR", code: "budget", message: "raw words", metadata: { cap } }],
    unavailable: [{ type: "RUN_ERROR", code: "budget_unavailable", message: "raw words" }],
  };
  return [begun, ...said, counted, ...(ends[threadId] ?? [])];
}

const day = (date: string, share: number) => ({
  ...{ date, runs: Math.round(9 * share), input_tokens: 400_000 * share, cached_input_tokens: 300_000 * share },
  ...{ output_tokens: 20_000 * share, cost_usd: 2.4 * share },
});
const month = { scope: "user", period: "2026-11", resets_at: "2026-12-01T00:00:00.000Z" };
const ownCaps = [
  { ...month, name: "max_total_tokens", limit: 5_000_000, used: 12_345, reserved: 0, period: "2026-11-28" },
  { ...month, name: "max_cost_usd", limit: 5, used: 1.25, reserved: 0.25 },
];
const users = [
  {
    ...{ user_id: "user_ada", name: "Ada", runs: 42, input_tokens: 5_000_000, cached_input_tokens: 4_000_000 },
    ...{ output_tokens: 90_000, cost_usd: 12.5, estimated: { ...estimated, cost_usd: 0.25 } },
    reserved: { cost_usd: 0.25, tokens: 60_000, minutes: 4 },
  },
  {
    ...{ user_id: "user_bob", name: null, runs: 3, input_tokens: 10_000, cached_input_tokens: 0 },
    ...{ output_tokens: 2_000, cost_usd: null, reserved: { cost_usd: 0, tokens: 60_000, minutes: 0 } },
  },
];

/** Answers in the server's place. Collects what a person answers to the card. */
export async function fakeCosts(page: Page): Promise<unknown[]> {
  const answers: unknown[] = [];
  await page.route("**/ag-ui", async (route) => {
    answers.push(...(route.request().postDataJSON() as { resume: unknown[] }).resume);
    await route.fulfill({ contentType: "text/event-stream", body: "" });
  });
  await page.route(/\/v1\/threads\/(working|ended|asking|unavailable)(\/|$)/, async (route) => {
    const [, thread = "", rest = ""] = /\/threads\/(\w+)\/?(.*)$/.exec(new URL(route.request().url()).pathname) ?? [];
    if (rest.endsWith("events")) {
      const body = eventsOf(thread).map((event, at) => `id: ${at + 1}\ndata: ${JSON.stringify(event)}\n\n`);
      return await route.fulfill({ contentType: "text/event-stream", body: body.join("") });
    }
    if (rest === "tasks") return await route.fulfill({ json: { version: 0, sections: [] } });
    if (rest === "runs") return await route.fulfill({ json: { data: [runOf(thread)], next_cursor: null } });
    if (rest.startsWith("runs/")) return await route.fulfill({ json: runOf(thread) });
    if (rest !== "") return await route.fulfill({ json: { data: [], next_cursor: null } });
    return await route.fulfill({
      json: { thread_id: thread, project_id: "p", agent_id: "agent_default", title: thread },
    });
  });
  await page.route("**/v1/usage?*", async (route) => {
    const now = Date.now();
    const dates = Array.from({ length: 30 }, (_, at) => new Date(now - (29 - at) * 86_400_000).toISOString());
    const data = dates.map((date, at) => day(date.slice(0, 10), ((at * 7) % 11) / 10));
    await route.fulfill({ json: { data: data.filter(({ runs }) => runs > 0), caps: ownCaps } });
  });
  await page.route("**/v1/usage/users?*", (route) => route.fulfill({ json: { data: users } }));
  return answers;
}
