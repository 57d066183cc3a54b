// What is billed: each scenario is prepared, then done once while everything is counted.
import { createHmac, randomUUID } from "node:crypto";
import { type ScriptName, writeScript } from "./model.ts";
import type { Bill } from "./prices.ts";
import type { Stage } from "./stage.ts";

export interface Scenario {
  title: string;
  /** Seconds of the fast clock in a real one while it acts. Limits of seconds hold on that clock, too. */
  speed: number;
  /** What is not billed here. What it resolves with is for `act`. */
  prepare?(server: Client): Promise<Prepared | undefined>;
  act(server: Client, prepared: Prepared): Promise<void>;
  /** What it may cost. More fails the bench. */
  most?: Partial<Bill>;
}

/** Ids and addresses by name. */
type Prepared = Record<string, string>;

/** What a scenario does with the server. */
export interface Client extends Pick<Stage, "pass" | "tick" | "seconds"> {
  send(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Starts a run and reads its stream to the end. */
  run(thread: string, script: ScriptName): Promise<string>;
  /** Reads the stream of a thread until the server ends it. Resolves with its text. */
  follow(thread: string, after: string | null): Promise<string>;
  /** Sends a payload to a webhook trigger, signed as GitHub signs. */
  deliver(url: string, secret: string): Promise<void>;
}

const HOUR = 3_600;
const DAY = 24 * HOUR;

const nothing: Bill = {
  ...{ worker_requests: 0, object_requests: 0, object_gb_s: 0, object_rows_written: 0, object_rows_read: 0 },
  ...{ d1_rows_written: 0, d1_rows_read: 0, queue_operations: 0, log_events: 0 },
};

/** What an alarm does after a run's end belongs to the run. */
const AFTERWARDS = 60;

export const scenarios: Scenario[] = [
  {
    title: "first turn of a thread, 10 s",
    speed: 10,
    act: (server) => runOnce(server, "first", "reply"),
  },
  {
    title: "turn of 10 s",
    speed: 10,
    prepare: (server) => runOnce(server, "turn", "reply"),
    act: (server) => runOnce(server, "turn", "reply"),
  },
  {
    title: "plan of ten tasks, 41 tool calls, 20 min",
    speed: 20,
    prepare: (server) => runOnce(server, "plan", "reply"),
    act: (server) => runOnce(server, "plan", "plan"),
  },
  {
    title: "task that is planned and completed, 15 s",
    speed: 10,
    prepare: (server) => runOnce(server, "task", "reply"),
    act: (server) => runOnce(server, "task", "task"),
  },
  {
    title: "task with a check of a command, 15 s",
    speed: 5,
    // Another thread has made the project's sandbox.
    async prepare(server) {
      const { project_id } = await server.send("POST", "/v1/projects", { name: "Shop" });
      for (const thread_id of ["checked-before", "checked"])
        await server.send("POST", "/v1/threads", { thread_id, project_id });
      await runOnce(server, "checked-before", "checked");
      return await runOnce(server, "checked", "reply");
    },
    act: (server) => runOnce(server, "checked", "checked"),
  },
  {
    title: "check of a command that a person has run again",
    speed: 5,
    prepare: (server) => runOnce(server, "again", "checked"),
    async act(server) {
      await server.send("POST", "/v1/threads/again/checks/run?wait=1", {});
      await server.pass(AFTERWARDS);
    },
  },
  {
    title: "check that asks a person and waits for a day",
    speed: 5_000,
    prepare: (server) => runOnce(server, "judged", "judged"),
    act: (server) => server.pass(DAY),
    most: nothing,
  },
  {
    title: "idle tab, its first minute",
    speed: 10,
    prepare: (server) => runOnce(server, "tab", "reply"),
    // The page opens a stream. After a minute without a run the server closes it.
    act: async (server) => void (await server.follow("tab", null)),
  },
  {
    title: "idle tab, each hour after that",
    speed: 500,
    // The page asks nothing until the person comes back.
    act: (server) => server.pass(HOUR),
    most: nothing,
  },
  {
    title: "idle `EventSource`, an hour",
    speed: 50,
    prepare: (server) => runOnce(server, "source", "reply"),
    async act(server) {
      await holdStream(server, "source", HOUR);
    },
  },
  {
    title: "question to a person that waits for a day",
    speed: 5_000,
    prepare: (server) => runOnce(server, "waiting", "question"),
    act: (server) => server.pass(DAY),
    most: nothing,
  },
  {
    title: "its answer, with the run of 5 s that goes on",
    speed: 10,
    async prepare(server) {
      const text = await server.run("answered", "question");
      await server.pass(AFTERWARDS);
      const [, run = ""] = /"runId":"([^"]+)"/.exec(text) ?? [];
      const [, interrupt = ""] = /"interrupts":\[\{"id":"([^"]+)"/.exec(text) ?? [];
      return { run, interrupt };
    },
    async act(server, { run, interrupt }) {
      const resume = [{ interrupt_id: interrupt, status: "resolved", payload: "Blue" }];
      await server.send("POST", `/v1/threads/answered/runs/${run}/resume?wait=1`, { resume });
      await server.pass(AFTERWARDS);
    },
  },
  {
    title: "delivery to a webhook trigger, with its run of 10 s",
    speed: 10,
    async prepare(server) {
      const trigger = { type: "webhook", verify: { scheme: "github" }, prompt: writeScript("reply") };
      const { url, secret } = await server.send("POST", "/v1/triggers", trigger);
      return { url: String(url), secret: String(secret) };
    },
    async act(server, { url = "", secret = "" }) {
      await server.deliver(url, secret);
      await server.pass(AFTERWARDS);
    },
  },
  {
    title: "schedule, one due time with its run of 10 s, in 5 minutes of the cron",
    speed: 10,
    async prepare(server) {
      const schedule = { type: "schedule", prompt: writeScript("reply"), cron: "*/5 * * * *", timezone: "UTC" };
      return { trigger: String((await server.send("POST", "/v1/triggers", schedule)).trigger_id) };
    },
    async act(server, { trigger }) {
      for (let minute = 0; minute < 5; minute++) {
        await server.pass(60);
        await server.tick();
      }
      await server.pass(AFTERWARDS);
      await server.send("DELETE", `/v1/triggers/${trigger}`);
    },
  },
  {
    title: "deployment at rest, an hour of the cron",
    speed: 100,
    async act(server) {
      for (let minute = 0; minute < 60; minute++) {
        await server.pass(60);
        await server.tick();
      }
    },
  },
];

async function runOnce(server: Client, thread: string, script: ScriptName): Promise<undefined> {
  await server.run(thread, script);
  await server.pass(AFTERWARDS);
}

/** As a browser's `EventSource` does: opens the stream again after the server's `retry`, with the last id. */
async function holdStream(server: Client, thread: string, seconds: number): Promise<void> {
  let after: string | null = null;
  const until = server.seconds() + seconds;
  while (server.seconds() < until) {
    const text = await server.follow(thread, after);
    after = [...text.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? after;
    const retry = Number([...text.matchAll(/^retry: (\d+)$/gm)].at(-1)?.[1] ?? 3_000) / 1_000;
    await server.pass(retry);
  }
}

export function connect(stage: Stage): Client {
  const { url, key, pass, tick, seconds } = stage;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const ask = async (method: string, path: string, more: object, body?: unknown): Promise<Response> => {
    const sent = { method, headers: { ...headers, ...more }, body: body === undefined ? null : JSON.stringify(body) };
    const answer = await fetch(url + path, sent);
    if (answer.ok) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
  };
  const stream = { accept: "text/event-stream" };
  return {
    pass,
    tick,
    seconds,
    async send(method, path, body) {
      const answer = await ask(method, path, {}, body);
      return answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>);
    },
    async run(thread, script) {
      const text = await (
        await ask("POST", `/v1/threads/${thread}/runs`, stream, { message: writeScript(script) })
      ).text();
      if (/"type":"RUN_ERROR"/.test(text) || !/"type":"RUN_FINISHED"/.test(text)) throw new Error(text.slice(-2_000));
      return text;
    },
    async follow(thread, after) {
      const more = after === null ? stream : { ...stream, "last-event-id": after };
      return (await ask("GET", `/v1/threads/${thread}/events`, more)).text();
    },
    async deliver(address, secret) {
      const body = JSON.stringify({ action: "opened" });
      const signature = createHmac("sha256", secret).update(body).digest("hex");
      const signed = { "x-hub-signature-256": `sha256=${signature}`, "x-github-event": "issues" };
      const sent = { "content-type": "application/json", "x-github-delivery": randomUUID(), ...signed };
      const answer = await fetch(url + new URL(address).pathname, { method: "POST", headers: sent, body });
      if (answer.status !== 202) throw new Error(`delivery: ${answer.status} ${await answer.text()}`);
    },
  };
}
