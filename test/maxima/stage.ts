// The server under measure, and a user who has as much as one may have of what reads walk over.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startSlack } from "../../dev/slack/server.ts";
import { startTaskloom } from "../e2e/harness.ts";
import { settingsOf } from "../setup/full-settings.ts";
import { MANY_REQUESTS } from "../setup/many-requests.ts";
import { startOidcIssuer } from "../setup/oidc-issuer.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import type { Things } from "../worker/walk/names.ts";
import type { Server } from "./measure.ts";
import { openThreadClock } from "./thread-time.ts";

export interface Stage {
  server: Server;
  things: Things;
  request: ServerClient["request"];
  close(): Promise<void>;
}

const [USER, OTHER] = ["user_wide", "user_other"];

/** A model that says one word, whatever it reads. */
async function startShortModel(): Promise<{ baseUrl: string; close(): void }> {
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`${chunk({ role: "assistant", content: "ok" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}/v1`, close: () => server.closeAllConnections() };
}

export async function openStage(): Promise<Stage> {
  const [slack, issuer, model] = await Promise.all([startSlack(), startOidcIssuer(), startShortModel()]);
  const taskloom = await startTaskloom({
    OPENAI_BASE_URL: model.baseUrl,
    QUOTAS: MANY_REQUESTS,
    ...settingsOf(slack, issuer),
  });
  await issuer.begin({ origin: taskloom.url });
  // Admins change another one: a disabled user would be refused everything.
  await taskloom.json("POST", "/v1/users", { user_id: OTHER });
  const { api_key: key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: USER });
  const user = clientOf({ url: taskloom.url, key });
  const things = await fillAccount(user);
  return {
    server: { url: taskloom.url, key, adminKey: taskloom.key, clock: openThreadClock() },
    things,
    request: user.request,
    close: async () => {
      await taskloom.close();
      await Promise.all([slack.close(), issuer.close()]);
      model.close();
    },
  };
}

const AT_ONCE = 4;
/** Of short things; a list has pages of 200 at most. */
const MANY = 250;
/** A history that a megabyte holds. */
const MESSAGES = 12_000;
const RUNS = 120;
/** The most that a plan takes (`agent/plan/rules.ts`), and nearly the most that its checks may have together. */
const [SECTIONS, TASKS_OF_SECTION, CHECKED] = [50, 10, 180];

async function fillAccount({ json, request }: ServerClient): Promise<Things> {
  const many = async (count: number, make: (at: number) => Promise<unknown>) => {
    let next = 0;
    const work = async () => {
      for (let at = next++; at < count; at = next++) await make(at);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
  const project_id = "project-wide";
  await json("POST", "/v1/projects", { project_id, name: "n".repeat(200) });
  await many(MANY, (at) => json("POST", "/v1/threads", { thread_id: `t-${at}`, project_id, title: "长".repeat(500) }));
  await many(MANY, (at) => json("POST", "/v1/projects", { project_id: `p-${at}`, name: "n".repeat(200) }));
  await many(190, (at) =>
    json("POST", "/v1/agents", { agent_id: `a-${at}`, name: "n", instructions: "i".repeat(40_000) }),
  );
  const agent_id = "a-0";
  await many(60, (at) => json("PATCH", `/v1/agents/${agent_id}`, { instructions: "v".repeat(40_000) + at }));
  const schedule = { type: "schedule", cron: "0 5 1 1 *", prompt: "p".repeat(9_000), project_id };
  await many(MANY, () => json("POST", "/v1/triggers", schedule));
  const hook = { ...schedule, type: "webhook", cron: undefined, verify: { scheme: "standard" } };
  const { trigger_id } = await json<{ trigger_id: string }>("POST", "/v1/triggers", hook);
  const webhook = { url: `http://127.0.0.1:9/${"u".repeat(1_000)}`, events: ["run.completed"], enabled: false };
  const { webhook_id } = await json<{ webhook_id: string }>("POST", "/v1/webhooks", webhook);
  await many(18, (at) => json("POST", "/v1/webhooks", { ...webhook, url: webhook.url + at }));
  await many(90, (at) => json("POST", "/v1/api-keys", { name: `key ${at}` }));
  const { key_id } = await json<{ key_id: string }>("POST", "/v1/api-keys", { name: "key" });
  await many(90, (at) =>
    json("POST", "/v1/git-credentials", { host: `git-${at}.example`, username: "u", password: "p".repeat(500) }),
  );
  const thread = await fillThread({ json, request }, project_id);
  return {
    ...{ user_id: OTHER, key_id, project_id, agent_id, trigger_id, webhook_id, host: "git-0.example" },
    ...{ waiting_id: "waiting", interrupt_id: "call-unknown", delivery_id: "del_unknown", team_id: "T0" },
    ...{
      file: "notes.txt",
      port: "3000",
      version: "2",
      secret: "SECRET",
      session: "shell",
      session_id: "sess_unknown",
    },
    ...thread,
  };
}

/** A thread with a long conversation, many runs, and a plan at its limits. */
async function fillThread({ json, request }: ServerClient, project_id: string) {
  const thread_id = "thread-wide";
  await json("POST", "/v1/threads", { thread_id, project_id });
  for (let at = 1; at < RUNS; at++) {
    const message = at % 30 === 0 ? '"'.repeat(100_000) : `message of run ${at}`;
    await json("POST", `/v1/threads/${thread_id}/runs?wait=1`, { message, invocation_id: `run-${at}` });
  }
  const history = Array.from({ length: MESSAGES }, (_, at) => ({
    id: `m${at}`,
    role: "user",
    content: `message ${at}`,
  }));
  const body = { threadId: thread_id, runId: "run-long", messages: history, tools: [], context: [] };
  const long = await request("POST", "/ag-ui", body);
  if (!long.ok) throw new Error(await long.text());
  await long.text();
  const content = "c".repeat(100);
  const checked = { content, checks: [{ type: "file", path: "a", contains: "b".repeat(100) }] };
  const sections = Array.from({ length: SECTIONS }, (_, at) => ({
    title: `section ${at}`,
    tasks: Array.from({ length: TASKS_OF_SECTION }, (_, task) =>
      at * TASKS_OF_SECTION + task < CHECKED ? checked : content,
    ),
  }));
  const plan = { operations: [{ op: "create", sections }] };
  const made = await json<{ sections: { id: string; tasks: { id: string }[] }[] }>(
    "PATCH",
    `/v1/threads/${thread_id}/tasks`,
    plan,
  );
  const [section] = made.sections;
  return {
    ...{ thread_id, invocation_id: "run-1", message_id: "m100" },
    ...{ section_id: section?.id ?? "", task_id: section?.tasks[0]?.id ?? "" },
  };
}
