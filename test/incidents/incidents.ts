// Ten incidents and more, each played on a server of its own: what happens, and what must be seen of it. The runbook
// (docs/operating.md) names the same signs.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Run } from "../../src/protocol/run.ts";
import { openStage, type Seen, type Stage } from "./stage.ts";

export interface Incident {
  name: string;
  play: () => Promise<Seen>;
  /** Each must be found somewhere in what was seen. */
  signs: RegExp[];
}

async function on(settings: Record<string, string>, act: (stage: Stage) => Promise<Seen>): Promise<Seen> {
  const stage = await openStage(settings);
  try {
    return await act(stage);
  } finally {
    await stage.close();
  }
}

function tell({ status, error }: Run): string {
  return `the run is ${status}${error === null ? "" : ` with ${error.code}${error.reason ? ` (${error.reason})` : ""}`}`;
}

/** A port at which nobody listens. */
const nowhere = "http://127.0.0.1:9";

/** A model's server that answers everything alike. */
async function withServer<T>(
  answer: { status: number; headers?: Record<string, string> },
  act: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer((_request, response) => {
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(JSON.stringify({ error: { message: "no", type: "refused" } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

export const incidents: Incident[] = [
  {
    name: "The model's server is down",
    signs: [
      /model:default: The model's server can't be reached/,
      /model_error \(unreachable\)/,
      /run_ended \(model_error\)/,
    ],
    play: () => on({ OPENAI_BASE_URL: `${nowhere}/v1` }, async (stage) => stage.look([tell(await stage.run("hello"))])),
  },
  {
    name: "The model's key is revoked",
    signs: [
      /refused the key \(status 401\)/,
      /model_error \(invalid_key\)/,
      /failed_runs_hour\{code="model_error"\} 1/,
    ],
    play: () =>
      withServer({ status: 401 }, (url) =>
        on({ OPENAI_BASE_URL: `${url}/v1` }, async (stage) => stage.look([tell(await stage.run("hello"))])),
      ),
  },
  {
    name: "The model's server is at its limit (429)",
    signs: [/the run is running/, /taskloom_runs\{status="running"\} 1/],
    play: () =>
      withServer({ status: 429, headers: { "retry-after": "20" } }, (url) =>
        on({ OPENAI_BASE_URL: `${url}/v1` }, async (stage) => stage.look([tell(await stage.run("hello", 4_000))])),
      ),
  },
  {
    name: "The model is slow: a run hangs",
    signs: [
      /the run is running/,
      /run_oldest_seconds\{status="running"\}/,
      /found by its age/,
      /cancelled by the operator/,
    ],
    play: () =>
      on({}, async (stage) => {
        const run = await stage.run("[[silent]] hello", 4_000);
        const seen = await stage.look([tell(run)]);
        const { data } = await stage.json<{ data: Run[] }>("GET", "/v1/server/runs?limit=1");
        const [{ user_id, thread_id, invocation_id } = run] = data;
        const isFound = invocation_id === run.invocation_id ? "found by its age" : "not found";
        const path = `/v1/users/${user_id}/threads/${thread_id}/runs/${invocation_id}/cancel`;
        const { status } = await stage.json<Run>("POST", path);
        return { ...seen, more: [...seen.more, isFound, `${status} by the operator`] };
      }),
  },
  {
    name: "Daytona is down",
    signs: [/sandbox: Daytona can't be reached/, /sandbox_error/],
    play: () =>
      on({ DAYTONA_API_URL: `${nowhere}/api` }, async (stage) =>
        stage.look([tell(await stage.run('[[tool execute_command {"command":"ls"}]]', 60_000))]),
      ),
  },
  {
    name: "Daytona's key is revoked",
    signs: [/sandbox: Daytona refused the key \(status 401\)/, /sandbox_error/],
    play: () =>
      on({ DAYTONA_API_KEY: "a-key-that-was-revoked" }, async (stage) =>
        stage.look([tell(await stage.run('[[tool execute_command {"command":"ls"}]]', 60_000))]),
      ),
  },
  {
    name: "Checks can't run",
    signs: [
      /the run is completed/,
      /checks_not_run/,
      /recent_checked_tasks\{verification="not_run"\} 1/,
      /sandbox: Daytona can't be reached/,
      /the task is not_run/,
    ],
    play: () =>
      on({ DAYTONA_API_URL: `${nowhere}/api` }, async (stage) => {
        // The thread of the stage's first run.
        const path = "/v1/threads/incident-1";
        await stage.json("POST", "/v1/threads", { thread_id: "incident-1" });
        const checks = [{ type: "command", run: "npm test" }];
        const create = { op: "create", section_title: "S", task_contents: [{ content: "Build", checks }] };
        await stage.json("PATCH", `${path}/tasks`, { operations: [create] });
        const run = await stage.run(
          '[[tool update_tasks {"task_ids":["task_1"],"status":"completed"}]] [[then]] [[text Done.]]',
        );
        const { sections } = await stage.json<{ sections: { tasks: { verification: string }[] }[] }>(
          "GET",
          `${path}/tasks`,
        );
        return stage.look([tell(run), `the task is ${sections[0]?.tasks[0]?.verification}`]);
      }),
  },
  {
    name: "D1 refuses everything",
    signs: [/database: D1 refused/, /taskloom_up\{part="database"\} 0/, /the run is completed/],
    play: () =>
      on({}, async (stage) => {
        await stage.run("hello");
        await stage.fail({ database: "refuse" });
        // On the thread that the server knows.
        const body = { message: "hello again", invocation_id: "inv-outage" };
        await stage.request("POST", "/v1/threads/incident-1/runs?wait=1", body);
        const seen = await stage.look();
        await stage.fail({});
        const run = await stage.json<Run>("GET", "/v1/threads/incident-1/runs/inv-outage");
        return { ...seen, more: [`${tell(run)}, as D1 says once it is back`] };
      }),
  },
  {
    name: "D1 is full",
    signs: [/the run is completed/, /outbox|sync|Exceeded|d1/i],
    play: () =>
      on({}, async (stage) => {
        await stage.run("hello");
        await stage.fail({ database: "full" });
        const response = await stage.request("POST", "/v1/threads/incident-1/runs?wait=1", { message: "again" });
        const run = (await response.json()) as Run;
        const { d1 } = await stage.json<{ d1: unknown }>("GET", "/v1/threads/incident-1/diagnostics");
        return await stage.look([tell(run), `diagnostics.d1: ${JSON.stringify(d1)}`]);
      }),
  },
  {
    name: "The queue refuses",
    signs: [/queue: The queue does not answer/, /taskloom_up\{part="queue_jobs"\} 0/, /runs\{status="queued"\} 1/],
    play: () =>
      on({}, async (stage) => {
        await stage.fail({ queue: "refuse" });
        await stage.json("POST", "/v1/threads/waiting/runs", { message: "hello", background: true });
        const seen = await stage.look();
        return seen;
      }),
  },
  {
    name: "A migration was forgotten",
    signs: [/schema: Tables are missing/],
    play: () =>
      on({}, async (stage) => {
        const database = await stage.runtime.database();
        await database.exec("DELETE FROM d1_migrations");
        return await stage.look();
      }),
  },
  {
    name: "The deployment's budget is spent",
    signs: [/failed with budget/, /failed_runs_hour\{code="budget"\} 1/, /budget_reached/],
    play: () => on({ DEPLOYMENT_DAY_CAPS: "tokens=10" }, async (stage) => stage.look([tell(await stage.run("hello"))])),
  },
  {
    name: "A user spends too much",
    signs: [/ada is first of \d by cost/, /failed with budget/, /0 of ada's runs are live after disabling/],
    play: () =>
      on({ USER_DAY_CAPS: "tokens=100000000" }, async (stage) => {
        const { api_key } = await stage.json<{ api_key: string }>("POST", "/v1/users", { user_id: "ada" });
        const asAda = { authorization: `Bearer ${api_key}` };
        const run = async (thread: string, message: string, query = "") => {
          const body = { message, invocation_id: `inv-${thread}`, background: query === "" };
          return await stage.request("POST", `/v1/threads/${thread}/runs${query}`, body, asAda);
        };
        await run("spent", "hello", "?wait=1");
        const { data } = await stage.json<{ data: { user_id: string }[] }>("GET", "/v1/usage/users?days=1&limit=5");
        await stage.json("PATCH", "/v1/users/ada", { caps: { day: { max_total_tokens: 10 } } });
        const capped = (await (await run("capped", "hello", "?wait=1")).json()) as Run;
        await stage.json("PATCH", "/v1/users/ada", { caps: null });
        await run("live", "[[silent]] hello");
        await stage.json("PATCH", "/v1/users/ada", { disabled: true });
        const read = async () => (await stage.json<{ data: Run[] }>("GET", "/v1/server/runs")).data.length;
        const until = Date.now() + 20_000;
        let live = await read();
        while (live > 0 && Date.now() < until) live = await read();
        const place = data.findIndex(({ user_id }) => user_id === "ada") === 0 ? "first" : "not the first";
        const more = [`ada is ${place} of ${data.length} by cost`, tell(capped)];
        return await stage.look([
          ...more,
          live === 0 ? "0 of ada's runs are live after disabling" : "ada's runs go on",
        ]);
      }),
  },
  {
    name: "ENCRYPTION_KEY is wrong",
    signs: [/unreadable: 1/, /secrets: ENCRYPTION_KEY opens not all stored secrets: 1/],
    play: () =>
      on({}, async (stage) => {
        const login = { host: "git.example", username: "ada", password: "a password" };
        await stage.json("POST", "/v1/git-credentials", login);
        await stage.runtime.restart({ ...stage.settings, ENCRYPTION_KEY: "another sealing key of the incidents" });
        // The clock waits ten minutes after a deploy, for objects of the former version.
        await stage.runtime.fireCron(new Date(Date.now() + 11 * 60_000));
        const { encryption } = await stage.json<{ encryption: { unreadable: number } }>("GET", "/v1/server");
        return await stage.look([`GET /v1/server has unreadable: ${encryption.unreadable}`]);
      }),
  },
  {
    name: "A webhook's receiver is down, and events pile up",
    signs: [/webhook_deliveries_due \d/, /failing/],
    play: () =>
      on({}, async (stage) => {
        const hook = { url: `${nowhere}/hook`, events: ["run.completed"] };
        await stage.json("POST", "/v1/webhooks", hook);
        for (let count = 0; count < 5; count++) await stage.run("hello");
        const database = await stage.runtime.database();
        const isTried = async () =>
          (await database.prepare("SELECT failing_since FROM webhooks").first("failing_since")) !== null;
        while (!(await isTried())) await new Promise((resolve) => setTimeout(resolve, 200));
        // The retries come due while the queue takes none.
        await stage.fail({ queue: "refuse" });
        await database.exec(
          "UPDATE deliveries SET next_attempt_at = '2026-01-01T00:00:00.000Z' WHERE next_attempt_at IS NOT NULL",
        );
        return await stage.look(["the webhook is failing"]);
      }),
  },
  {
    name: "The collector of traces is down",
    signs: [/the run is completed/, /spans_dropped/],
    play: () =>
      on({ OTEL_EXPORTER_OTLP_ENDPOINT: nowhere }, async (stage) => {
        const run = await stage.run("hello");
        const until = Date.now() + 20_000;
        const isSaid = () => stage.runtime.logs.some((line) => line.includes("spans_dropped"));
        while (!isSaid() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 200));
        return await stage.look([tell(run)]);
      }),
  },
];
