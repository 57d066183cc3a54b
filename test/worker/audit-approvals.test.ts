// Who approved or denied which call, on each way on which an answer comes: over HTTP, over AG-UI and in Slack.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import type { Interrupt, Run } from "../../src/protocol/run.ts";
import type { RunInput, ThreadKey } from "../../src/protocol/thread.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { askQuestions } from "../../src/slack/show/questions.ts";
import { approvalsOf } from "./audit-entries.ts";
import type { Sender } from "./hook-client.ts";
import { FakeThreads } from "./http-fake-threads.ts";
import { realClient, realUser } from "./real-client.ts";
import { connect, createSlackClient } from "./slack-client.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** For a busy machine: the runs work in a sandbox. */
const patience = { timeout: 60_000 };

const COMMAND = "echo hidden-argument";

/** A run that asks whether it may run two commands, of a user of its own. */
async function askedRun(name: string): Promise<{ user: Sender; thread: string; run: Run; user_id: string }> {
  const [user_id, thread] = [`user_${name}`, `thread-${name}`];
  const user = await realUser(user_id);
  await user.send("POST", "/v1/agents", {
    agent_id: "careful",
    name: "Careful",
    approvals: { execute_command: ["*"] },
  });
  const call = (command: string) => `[[tool execute_command ${JSON.stringify({ command })}]]`;
  const message = `${call(COMMAND)} ${call(`${COMMAND} 2`)} [[then]] [[text done]]`;
  const started = await user.send("POST", `/v1/threads/${thread}/runs?wait=1`, {
    message,
    agent_id: "careful",
    invocation_id: "asking",
  });
  const run = started.body as unknown as Run;
  if (run.status !== "interrupted") throw new Error(started.text);
  return { user, thread, run, user_id };
}

const resolved = ({ id }: Interrupt, payload: unknown) => ({ interrupt_id: id, status: "resolved", payload });

describe("an answer over HTTP", patience, () => {
  it("leaves an entry for each call that is approved or denied, with the tool and without arguments", async () => {
    const { user, thread, run, user_id } = await askedRun("answers");
    const [one, two] = run.interrupts as [Interrupt, Interrupt];
    const secret = "a-secret-reason";
    const resume = [
      resolved(one, { approved: true, arguments: { command: secret } }),
      resolved(two, { approved: false, reason: secret }),
    ];
    const path = `/v1/threads/${thread}/runs/asking/resume`;
    const answered = await user.send("POST", path, { resume, invocation_id: "answer" });
    expect(answered.status).toBe(202);
    const details = { tool: "execute_command", thread_id: thread, invocation_id: "asking" };
    const common = { actor_id: user_id, key_id: expect.stringMatching(/^key_/), outcome: "done" };
    // Those of one answer are of the same moment.
    const entries = (await approvalsOf(user_id, thread)).sort((first, other) => (first.action < other.action ? -1 : 1));
    expect(entries).toMatchObject([
      { ...common, action: "approval.approve", target: one.tool_call_id, details: { ...details, changed: true } },
      { ...common, action: "approval.deny", target: two.tool_call_id, details: { ...details, changed: false } },
    ]);
    expect(JSON.stringify(entries)).not.toMatch(/hidden-argument|a-secret-reason/);
    // The same request again is the same run.
    expect((await user.send("POST", path, { resume, invocation_id: "answer" })).status).toBe(202);
    expect((await approvalsOf(user_id, thread)).slice(2)).toMatchObject([
      { details: { repeated: true } },
      { details: { repeated: true } },
    ]);
    // Another one is too late.
    expect((await user.send("POST", path, { resume, invocation_id: "late" })).status).toBe(409);
    expect((await approvalsOf(user_id, thread)).at(-1)).toMatchObject({
      outcome: "refused",
      details: { ...details, code: "interrupt_answered" },
    });
  });

  it("is recorded by the time at which the run's stream begins", async () => {
    const { user, thread, run, user_id } = await askedRun("streams");
    const resume = run.interrupts.map(({ id }) => ({ interrupt_id: id, status: "cancelled" }));
    const headers = { accept: "text/event-stream" };
    const answer = () =>
      user.send("POST", `/v1/threads/${thread}/runs/asking/resume`, { resume, invocation_id: "answer" }, headers);
    expect((await answer()).status).toBe(200);
    const denied = { action: "approval.deny", outcome: "done" };
    const entries = await approvalsOf(user_id, thread);
    expect(entries).toMatchObject([denied, denied]);
    expect(entries.map(({ details }) => details.repeated)).toEqual([undefined, undefined]);
    // A client whose connection broke sends it again.
    expect((await answer()).status).toBe(200);
    const again = (await approvalsOf(user_id, thread)).slice(2);
    expect(again.map(({ details }) => details.repeated)).toEqual([true, true]);
  });

  it("approves nothing if the audit can't be written", async () => {
    const { user, thread, run, user_id } = await askedRun("unwritten");
    const key = String((await user.send("POST", "/v1/api-keys", {})).body.key);
    const _away = () => Promise.reject(new Error("D1 is away"));
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => target.prepare(query.includes("audit_entries") ? "SELECT nothing" : query);
      },
    });
    const client = realClient({ DB }).as(key);
    const resume = run.interrupts.map((interrupt) => resolved(interrupt, { approved: true }));
    const answered = await client.send("POST", `/v1/threads/${thread}/runs/asking/resume`, { resume });
    expect(answered).toMatchObject({ status: 500, body: { detail: expect.stringContaining("Nothing was done") } });
    const runs = await user.send("GET", `/v1/threads/${thread}/runs`);
    expect(runs.body.data).toHaveLength(1);
    expect(await approvalsOf(user_id, thread)).toEqual([]);
  });

  it("to a question leaves none, and neither does a run without answers", async () => {
    const user = await realUser("user_questions");
    const path = "/v1/threads/thread-questions/runs";
    const asked = await user.send("POST", `${path}?wait=1`, {
      message: '[[tool ask {"question":"Which?"}]]',
      invocation_id: "q",
    });
    const [question] = (asked.body as unknown as Run).interrupts as [Interrupt];
    expect((await user.send("POST", `${path}/q/resume?wait=1`, { resume: [resolved(question, "blue")] })).status).toBe(
      200,
    );
    expect(await approvalsOf("user_questions", "thread-questions")).toEqual([]);
  });
});

describe("an answer over AG-UI", patience, () => {
  it("leaves the same entries, once, and none when the client comes back to the run", async () => {
    const { user, thread, run, user_id } = await askedRun("agui");
    const resume = run.interrupts.map(({ id }) => ({
      interruptId: id,
      status: "resolved",
      payload: { approved: true },
    }));
    const body = { threadId: thread, runId: "answer", messages: [], resume };
    for (let time = 0; time < 2; time++) expect((await user.send("POST", "/ag-ui/careful", body)).status).toBe(200);
    const approved = {
      action: "approval.approve",
      outcome: "done",
      details: { tool: "execute_command", invocation_id: "asking" },
      source: { type: "http" },
    };
    expect(await approvalsOf(user_id, thread)).toMatchObject([approved, approved]);
  });
});

describe("an answer over AG-UI that is hard to find", patience, () => {
  const answerOf = (thread: string, interrupts: { id: string }[], runId = "answer") => ({
    threadId: thread,
    runId,
    messages: [],
    resume: interrupts.map(({ id }) => ({ interruptId: id, status: "resolved", payload: { approved: true } })),
  });

  it("is recorded behind many newer runs that were cancelled before they started", async () => {
    const { user, thread, run, user_id } = await askedRun("buried");
    const stub = env.THREADS.get(env.THREADS.idFromName(`${user_id}/${thread}`)) as unknown as DurableObjectStub;
    // They were queued while the run worked, and cancelled then.
    await runInDurableObject(stub, (_object, { storage: { sql } }) => {
      const columns = sql
        .exec<{ name: string }>("SELECT name FROM pragma_table_info('runs')")
        .toArray()
        .map(({ name }) => name);
      const later = new Date(Date.now() + 60_000).toISOString();
      for (let place = 1; place <= 45; place++) {
        const values = columns.map((name) => {
          if (name === "invocation_id") return `'cancelled-${place}'`;
          if (name === "position") return `position + ${place}`;
          if (name === "status") return "'cancelled'";
          if (name === "start_seq" || name === "end_seq") return "NULL";
          if (name !== "run") return name;
          return `json_set(run, '$.status', 'cancelled', '$.started_at', NULL, '$.interrupts', json('[]'),
            '$.invocation_id', 'cancelled-${place}', '$.created_at', '${later}')`;
        });
        sql.exec(`INSERT INTO runs (${columns}) SELECT ${values} FROM runs WHERE invocation_id = 'asking'`);
      }
    });
    const answered = await user.send("POST", "/ag-ui/careful", answerOf(thread, run.interrupts));
    expect(answered.status).toBe(200);
    const approved = { action: "approval.approve", outcome: "done", details: { invocation_id: "asking" } };
    expect(await approvalsOf(user_id, thread)).toMatchObject([approved, approved]);
  });

  it("approves nothing if it comes in the moment before the run asks", async () => {
    const { user, thread, run, user_id } = await askedRun("early");
    const key = String((await user.send("POST", "/v1/api-keys", {})).body.key);
    const client = realClient({ THREADS: threadsThatAskNothing() }).as(key);
    const answered = await client.send("POST", "/ag-ui/careful", answerOf(thread, run.interrupts));
    expect(answered).toMatchObject({ status: 409, body: { code: "interrupt_answered" } });
    expect((await user.send("GET", `/v1/threads/${thread}/runs`)).body.data).toHaveLength(1);
    expect(await approvalsOf(user_id, thread)).toEqual([]);
  });

  it("is none for a client that comes back to any run of the thread", async () => {
    const { user, thread, user_id } = await askedRun("return");
    const again = await user.send("POST", "/ag-ui/careful", answerOf(thread, [{ id: "int_unknown" }], "asking"));
    expect(again.status).toBe(200);
    const none = await user.send("POST", "/ag-ui/careful", answerOf("thread-of-nobody", [{ id: "int_unknown" }]));
    expect(none).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await approvalsOf(user_id, thread)).toEqual([]);
  });

  /** The objects, of which none has a run when it is looked for. */
  function threadsThatAskNothing(): typeof env.THREADS {
    const withMethod = (target: object, method: string, instead: (...given: never[]) => unknown): object =>
      new Proxy(target, {
        get: (found, name) => {
          if (name === method) return instead;
          const value = Reflect.get(found, name) as (...given: unknown[]) => unknown;
          return typeof value === "function" ? (...given: unknown[]) => Reflect.apply(value, found, given) : value;
        },
      });
    const nothing = async () => ({ ok: true, value: { data: [], next_cursor: null } });
    const get = (id: DurableObjectId) => withMethod(env.THREADS.get(id), "readRuns", nothing);
    return withMethod(env.THREADS, "get", get) as typeof env.THREADS;
  }
});

describe("a button in Slack", patience, () => {
  const [ROOT, ASKED] = ["1764000000.000100", "1764000010.000200"];

  async function press(team_id: string, kind: "approve" | "decline", user: string) {
    const threads = new FakeThreads(env.DB);
    const slack = createSlackClient({}, (own) => threads.within(own));
    await connect(slack, team_id);
    const key: ThreadKey = { user_id: FIRST_USER_ID, thread_id: await threadOfPlace(team_id, "C1", ROOT) };
    const interrupts: Interrupt[] = [
      {
        id: "int_call-1",
        reason: "approval",
        message: "execute_command: rm -rf hidden-argument",
        tool_call_id: "call-1",
        response_schema: { type: "object" },
        expires_at: null,
      },
    ];
    const mention = { type: "app_mention", channel: "C1", user: "U1", text: "<@UBOT> work", ts: ROOT };
    await slack.event(mention, { team_id });
    const [started] = threads.asked.filter(({ method }) => method === "accept").map(({ input }) => input as RunInput);
    const invocation_id = started?.invocation_id ?? "";
    await threads.end(key, invocation_id, { status: "interrupted", interrupts });
    const { blocks } = askQuestions({ thread_id: key.thread_id, invocation_id, interrupts, web_url: null });
    const buttons = blocks.flatMap(({ elements }) => (elements as { action_id: string; value: string }[]) ?? []);
    const button = buttons.find(({ action_id }) => action_id.startsWith(`taskloom:${kind}`));
    const answer = await slack.press({
      type: "block_actions",
      team: { id: team_id },
      user: { id: user, team_id },
      trigger_id: "12.34",
      channel: { id: "C1" },
      container: { type: "message", message_ts: ASKED, thread_ts: ROOT, channel_id: "C1" },
      message: { ts: ASKED, thread_ts: ROOT, blocks },
      actions: [{ type: "button", ...button }],
    });
    await slack.settled();
    return { answer, key, invocation_id };
  }

  it.each([
    ["approve", "approval.approve", "TAPPROVE"],
    ["decline", "approval.deny", "TDECLINE"],
  ] as const)("that says %s names the person in Slack", async (kind, action, team_id) => {
    const { answer, key, invocation_id } = await press(team_id, kind, "U7");
    expect(answer.status).toBe(200);
    expect(await approvalsOf(FIRST_USER_ID, key.thread_id)).toEqual([
      expect.objectContaining({
        action,
        actor_id: null,
        key_id: null,
        target: "call-1",
        outcome: "done",
        source: { type: "slack", team_id, slack_user_id: "U7" },
        details: expect.objectContaining({ tool: "execute_command", thread_id: key.thread_id, invocation_id }),
      }),
    ]);
    expect(JSON.stringify(await approvalsOf(FIRST_USER_ID, key.thread_id))).not.toContain("hidden-argument");
  });
});
