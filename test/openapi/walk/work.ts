// Threads, runs and their streams, agents, AG-UI.
import type { Answer, Walker } from "./walker.ts";

const RUNS = "/v1/threads/{thread_id}/runs";
const RUN = `${RUNS}/{invocation_id}`;
const MESSAGE = "/v1/threads/{thread_id}/messages/{message_id}";
const QUESTION = '[[tool ask {"question":"Which colour?","choices":["red","blue"]}]]';

/** `check` looks at the events of a stream. */
export async function walkThreads({ ask }: Walker, check: (stream: Answer) => void): Promise<void> {
  const params = { thread_id: "thread-walked" };
  await ask("POST /v1/threads", { body: { ...params, title: "Walked", metadata: { customer: 7 } } });
  const tasks = { section_title: "Analysis", task_contents: ["Read", "Write"] };
  const planned = `[[tool create_tasks ${JSON.stringify(tasks)}]] [[then]] [[text Done.]]`;
  const [first, second, third] = ["run-1", "run-2", "run-3"] as const;
  await ask(`POST ${RUNS}`, { params, query: { wait: "1" }, body: { message: planned, invocation_id: first } });
  await ask(`POST ${RUNS}`, { params, headers: { "idempotency-key": second }, body: { message: "[[text Hello.]]" } });
  check(await ask(`POST ${RUNS}/stream`, { params, body: { message: "[[text Hello.]]", time_zone: "Europe/Berlin" } }));
  check(await ask(`GET ${RUN}/events`, { params: { ...params, invocation_id: first } }));
  await ask(`GET ${RUNS}`, { params, query: { limit: "2" } });
  await ask(`GET ${RUN}`, { params: { ...params, invocation_id: first } });
  for (const form of ["", "/markdown", "/junit"])
    await ask(`GET ${RUN}/receipts${form}`, { params: { ...params, invocation_id: first } });
  await ask(`POST ${RUNS}`, { params, body: { message: "[[stall]] stalled", invocation_id: third } });
  await walkInbox({ ask }, params);
  await ask(`POST ${RUN}/cancel`, { params: { ...params, invocation_id: third } });
  for (const [place, form] of ["resume", "resume/stream"].entries()) {
    const invocation_id = `asks-${place}`;
    const asked = await ask(`POST ${RUNS}`, {
      params,
      query: { wait: "1" },
      body: { message: QUESTION, invocation_id },
    });
    const [interrupt] = asked.body.interrupts as { id: string }[];
    const resume = [{ interrupt_id: interrupt?.id, status: "resolved", payload: "blue" }];
    const answer = await ask(`POST ${RUN}/${form}`, { params: { ...params, invocation_id }, body: { resume } });
    if (place === 1) check(answer);
  }
  await ask("GET /v1/threads", { query: { limit: "1" } });
  await ask("GET /v1/threads/{thread_id}", { params });
  await ask("PATCH /v1/threads/{thread_id}", { params, body: { title: "Walked on" } });
  await ask("GET /v1/threads/{thread_id}/messages", { params, query: { type: "user,assistant" } });
  await ask("GET /v1/threads/{thread_id}/tasks", { params, query: { include: "ledger" } });
  const create = { op: "create", section_title: "Test", task_contents: ["Try it"] };
  await ask("PATCH /v1/threads/{thread_id}/tasks", { params, body: { operations: [create] } });
  await ask("POST /v1/threads/{thread_id}/checks/run", { params, query: { wait: "1" }, body: {} });
  await ask("DELETE /v1/threads/{thread_id}/checks/run", { params });
  await ask("GET /v1/threads/{thread_id}/diagnostics", { params });
  // It ends after a minute without a run.
  check(await ask("GET /v1/threads/{thread_id}/events", { params, query: { after: "1" } }));
  await ask("DELETE /v1/threads/{thread_id}", { params });
}

/** While a run is at work, so that messages wait behind it. */
async function walkInbox({ ask }: Pick<Walker, "ask">, { thread_id }: { thread_id: string }): Promise<void> {
  const params = { thread_id, message_id: "waits" };
  await ask(`POST ${RUNS}`, { params, body: { message: "[[text Later.]]", message_id: params.message_id } });
  await ask("GET /v1/threads/{thread_id}/inbox", { params });
  await ask("PATCH /v1/threads/{thread_id}/inbox/{message_id}", { params, body: { message: "[[text Sooner.]]" } });
  await ask("DELETE /v1/threads/{thread_id}/inbox/{message_id}", { params });
}

/** Turns that are asked again and edited, and the streams that a browser opens without headers. */
export async function walkAgain({ ask }: Walker, check: (stream: Answer) => void): Promise<void> {
  const params = { thread_id: "thread-again", message_id: "asked", invocation_id: "run-again" };
  const { message_id, invocation_id } = params;
  const message = "[[text Hello.]]";
  await ask(`POST ${RUNS}`, { params, query: { wait: "1" }, body: { message, message_id, invocation_id } });
  await ask(`POST ${MESSAGE}/regenerate`, { params, query: { wait: "1" }, body: {} });
  const edited = { message: "[[text Hello again.]]", message_id };
  await ask(`POST ${MESSAGE}/edit`, { params, query: { wait: "1" }, body: edited });
  check(await ask(`POST ${MESSAGE}/regenerate/stream`, { params, body: {} }));
  check(
    await ask(`POST ${MESSAGE}/edit/stream`, { params, body: { ...edited, message: "[[text Hello once more.]]" } }),
  );
  await ask("GET /v1/threads/{thread_id}/messages", { params, query: { include: "superseded" } });
  await ask("POST /v1/threads/{thread_id}/events/ticket", { params });
  const { body } = await ask(`POST ${RUN}/events/ticket`, { params });
  const ticket = new URL(String(body.url)).searchParams.get("ticket") ?? "";
  check(await ask("GET /v1/events", { key: null, query: { ticket } }));
}

export async function walkAgents({ ask }: Walker, check: (stream: Answer) => void): Promise<void> {
  const params = { agent_id: "agent-walked" };
  await ask("POST /v1/agents", { body: { ...params, name: "Walked", instructions: "Be brief." } });
  await ask("PATCH /v1/agents/{agent_id}", { params, body: { instructions: "Be very brief." } });
  await ask("GET /v1/agents", {});
  await ask("GET /v1/agents/{agent_id}", { params });
  await ask("GET /v1/agents/{agent_id}/versions", { params, query: { limit: "1" } });
  await ask("GET /v1/agents/{agent_id}/versions/{version}", { params: { ...params, version: "1" } });
  await ask("GET /v1/agents/{agent_id}/compare", { params, query: { from: "1", to: "2" } });
  await ask("PUT /v1/agents/{agent_id}/pin", { params, body: { version: 1 } });
  await ask("DELETE /v1/agents/{agent_id}/pin", { params });
  await ask("POST /v1/agents/{agent_id}/rollback", { params, body: { version: 1 } });
  for (const [path, agent] of [
    ["POST /ag-ui", {}],
    ["POST /ag-ui/{agent_id}", { params }],
  ] as const) {
    const messages = [{ id: `msg-${path.length}`, role: "user", content: "[[text Hello.]]" }];
    const ids = { threadId: `thread-ag-ui-${path.length}`, runId: `run-ag-ui-${path.length}` };
    check(
      await ask(path, { ...agent, body: { ...ids, messages, tools: [], context: [], state: {}, forwardedProps: {} } }),
    );
  }
  await ask("DELETE /v1/agents/{agent_id}", { params });
}
