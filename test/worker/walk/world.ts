// One user with at least one of every kind of thing, and two wherever there is a list. All texts of the user contain a
// mark, so that any of them is recognized in another user's answer.
import { env } from "cloudflare:test";
import { readKeyId } from "../../../src/http/api-key.ts";
import type { Receipt } from "../../../src/protocol/plan/check.ts";
import { syncThread } from "../../../src/store/sync.ts";
import { threadStub } from "../../../src/thread/stub.ts";
import { makeSession } from "../../fakes/session.ts";
import { signStandard } from "../hook-client.ts";
import { ADMIN_KEY } from "../http-client.ts";
import { makeRun } from "../http-fake-threads.ts";
import { connect, identityOf, type SlackClient } from "../slack-client.ts";
import type { Things } from "./names.ts";
import type { Reply, Walker } from "./walker.ts";

export interface World {
  mark: string;
  suffix: string;
  user_id: string;
  key: string;
  /** The key that made everything, also the one above. */
  first_key: string;
  /** A thread with plan and ended runs, one that waits for an answer, and one with a live run. */
  things: { quiet: Things; asking: Things; live: Things };
  /** The secrets of its triggers and webhooks, which were shown once. */
  shown: string[];
}

export interface Person {
  user_id: string;
  mark: string;
  /** Ends the ids that the user chooses. Two users with the same one have the same ids. */
  suffix: string;
  /** A workspace of Slack belongs to one user. */
  team_id: string;
}

export async function makeWorld(walker: Walker, slack: SlackClient, person: Person): Promise<World> {
  const { user_id, mark, suffix } = person;
  const key = await admit(walker, person);
  const shown: string[] = [];
  const make: Make = async (method, path, body, headers) => {
    const made = await walker.send(
      { method, path, body, headers: { "content-type": "application/json", ...headers } },
      key,
    );
    if (made.status > 299) throw new Error(`${method} ${path}: ${made.status} ${made.text}`);
    if (typeof made.body.secret === "string") shown.push(made.body.secret);
    return made.body;
  };
  const ids = { project_id: `project-${suffix}`, agent_id: `agent-${suffix}`, session: `shell-${suffix}` };
  const host = `git-${suffix}.example`;
  const second = await make("POST", "/v1/api-keys", { name: `key ${mark}` });
  await makeProjects(make, ids.project_id, mark);
  await makeAgents(make, ids.agent_id, mark);
  for (const of of [host, `other-${host}`]) {
    await make("POST", "/v1/git-credentials", { host: of, username: `login-${mark}`, password: `password-${mark}` });
  }
  const [sandbox, threads] = await Promise.all([
    makeSandbox(make, ids.project_id, mark),
    makeThreads(make, { ...ids, user_id, suffix, mark }),
  ]);
  const trigger_id = await makeTriggers(walker, make, person, ids.project_id);
  const session = await makeSession(env.DB, { user_id, user_agent: `browser ${mark}` });
  shown.push(session.token, ...session.token.split(".").slice(1));
  await makeSession(env.DB, { user_id, user_agent: `other browser ${mark}` });
  const hook = await makeWebhooks(make, person, ids.project_id);
  await makeWorkspaces(slack, key, person, ids);
  await walker.settled();
  const shared = {
    user_id,
    key_id: readKeyId(key) ?? "",
    session_id: session.session_id,
    ...ids,
    host,
    ...sandbox,
    version: "2",
    trigger_id,
    ...hook,
    team_id: person.team_id,
  };
  const { quiet, asking, live } = threads;
  return {
    mark,
    suffix,
    user_id,
    key: String(second.key),
    first_key: key,
    things: { quiet: { ...shared, ...quiet }, asking: { ...shared, ...asking }, live: { ...shared, ...live } },
    shown,
  };
}

async function admit(walker: Walker, { user_id, mark }: Person): Promise<string> {
  const body = { user_id, name: mark };
  const { body: admitted, text } = await walker.send({ method: "POST", path: "/v1/users", body }, ADMIN_KEY);
  if (typeof admitted.api_key !== "string") throw new Error(text);
  return admitted.api_key;
}

type Make = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply["body"]>;

async function makeProjects(make: Make, project_id: string, mark: string): Promise<void> {
  await make("POST", "/v1/projects", { project_id, name: `project ${mark}` });
  const git = { url: `https://git.example/${mark}/shop.git` };
  await make("POST", "/v1/projects", { project_id: `${project_id}-2`, name: `second project ${mark}`, git });
}

async function makeAgents(make: Make, agent_id: string, mark: string): Promise<void> {
  await make("POST", "/v1/agents", { agent_id, name: `agent ${mark}`, instructions: `Be ${mark}.` });
  await make("PATCH", `/v1/agents/${agent_id}`, { instructions: `Be more ${mark}.` });
  await make("POST", "/v1/agents", { agent_id: `${agent_id}-2`, name: `second agent ${mark}` });
}

async function makeSandbox(make: Make, project_id: string, mark: string) {
  const [file, port] = [`notes-${mark}.txt`, "3000"];
  const path = `/v1/projects/${project_id}/sandbox`;
  await make("PUT", `${path}/files/content?path=${file}`, `content ${mark}`);
  await make("POST", `${path}/previews`, { port: Number(port) });
  await make("POST", `${path}/ssh`, {});
  const secret = `SECRET_${mark.replaceAll(/\W/g, "_")}`;
  await make("PUT", `/v1/projects/${project_id}/secrets/${secret}`, { value: `value ${mark}` });
  return { file, port, secret };
}

interface ThreadNames {
  user_id: string;
  project_id: string;
  agent_id: string;
  suffix: string;
  mark: string;
}

async function makeThreads(make: Make, { user_id, project_id, agent_id, suffix, mark }: ThreadNames) {
  const run = (thread: string, message: string, wait: boolean) => {
    const given = { message, message_id: `message-${thread}`, invocation_id: `run-${thread}`, metadata: { mark } };
    return make("POST", `/v1/threads/${thread}/runs${wait ? "?wait=1" : ""}`, given);
  };
  const [quiet, asking, live] = ["quiet", "asking", "live"].map((name) => `thread-${name}-${suffix}`) as [
    string,
    string,
    string,
  ];
  const plan = { section_title: `section ${mark}`, task_contents: [`task ${mark}`] };
  await make("POST", "/v1/threads", {
    thread_id: quiet,
    project_id,
    agent_id,
    title: `title ${mark}`,
    metadata: { mark },
  });
  await run(quiet, `[[tool create_tasks ${JSON.stringify(plan)}]] [[then]] [[text I say ${mark}.]]`, true);
  await make("POST", `/v1/threads/${quiet}/runs?wait=1`, { message: `[[text Again ${mark}.]]` });
  const asked = await run(asking, `[[tool ask {"question":"Is it ${mark}?"}]]`, true);
  await run(live, `[[stall]] ${mark}`, false);
  await make("POST", `/v1/threads/${live}/runs`, {
    message: `[[text waiting ${mark}]]`,
    message_id: `waiting-${live}`,
  });
  const alive = { user_id, thread_id: live };
  await threadStub(env, alive).sync(alive);
  const [section] = (await make("GET", `/v1/threads/${quiet}/tasks`)).sections as {
    id: string;
    tasks: { id: string }[];
  }[];
  const [interrupt] = asked.interrupts as { id: string }[];
  const interrupt_id = interrupt?.id ?? "";
  const parts = { interrupt_id, section_id: section?.id ?? "", task_id: section?.tasks[0]?.id ?? "" };
  for (const thread_id of [quiet, asking]) {
    const receipts = [1, 2].map((seq) => ({ seq, ...receiptOf(`run-${thread_id}`, parts.task_id, `${seq} ${mark}`) }));
    await syncThread(env.DB, {
      key: { user_id, thread_id },
      project: null,
      thread: null,
      messages: [],
      runs: [],
      receipts,
    });
  }
  const of = (thread_id: string) => ({
    thread_id,
    invocation_id: `run-${thread_id}`,
    message_id: `message-${thread_id}`,
    waiting_id: `waiting-${thread_id}`,
    ...parts,
  });
  return { quiet: of(quiet), asking: of(asking), live: of(live) };
}

/** A webhook with two deliveries, and a schedule. */
async function makeTriggers(walker: Walker, make: Make, person: Person, project_id: string): Promise<string> {
  const { user_id, mark, suffix } = person;
  const thread = `thread-hook-${suffix}`;
  const shared = { project_id, thread, prompt: `[[text hooked ${mark}]]` };
  const made = await make("POST", "/v1/triggers", { ...shared, type: "webhook", verify: { scheme: "standard" } });
  await make("POST", "/v1/triggers", { ...shared, type: "schedule", cron: "0 5 * * *" });
  for (const title of ["first", "second"]) {
    const body = JSON.stringify({ title: `${title} ${mark}` });
    const headers = signStandard(String(made.secret), body);
    const {
      status,
      body: run,
      text,
    } = await walker.send({ method: "POST", path: `/hooks/${made.trigger_id}`, headers, body }, null);
    if (status !== 202) throw new Error(text);
    const of = { user_id, thread_id: thread };
    await threadStub(env, of).waitForEnd(of, String(run.invocation_id), 20_000);
  }
  return String(made.trigger_id);
}

function receiptOf(invocation_id: string, task_id: string, words: string): Receipt {
  const spec = { type: "command" as const, run: `echo ${words}` };
  return {
    ...{ receipt_id: `rcpt-${invocation_id}-${words}`, task_id, check_id: `chk ${words}`, invocation_id, spec },
    ...{ author: "person", outcome: "passed", reason: `I saw ${words}.`, started_at: new Date().toISOString() },
    ...{ duration_ms: 1, exit_code: 0, output_head: words, output_tail: "", output_bytes: words.length },
    ...{ output_hash: null, tree: null },
  };
}

/** Two webhooks, one of them with two deliveries that have arrived. */
async function makeWebhooks(make: Make, { user_id, mark, suffix }: Person, project_id: string) {
  const events = ["run.completed"];
  const made = await make("POST", "/v1/webhooks", { url: `http://127.0.0.1:9/${mark}`, events });
  const webhook_id = String(made.webhook_id);
  // They are due from the time at which the webhook's receiver has proved itself.
  await env.DB.prepare("UPDATE webhooks SET unverified_since = NULL WHERE user_id = ?").bind(user_id).run();
  for (const name of ["first", "second"]) {
    const key = { user_id, thread_id: `thread-${name}-${suffix}` };
    const ids = { invocation_id: `run-${key.thread_id}`, project_id, metadata: { mark } };
    const run = makeRun(key, { ...ids, status: "completed", finished_at: new Date().toISOString() });
    const runs = [{ ...run, version: 2, end_seq: 41 }];
    await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
  }
  const arrived = "UPDATE deliveries SET status = 'delivered', attempts = 1, next_attempt_at = NULL WHERE user_id = ?";
  await env.DB.prepare(arrived).bind(user_id).run();
  await make("POST", "/v1/webhooks", { url: `http://127.0.0.1:9/second-${mark}`, events, enabled: false });
  const { data = [] } = await make("GET", `/v1/webhooks/${webhook_id}/deliveries`);
  return { webhook_id, delivery_id: String(data[0]?.delivery_id) };
}

async function makeWorkspaces(
  slack: SlackClient,
  key: string,
  { team_id, mark }: Person,
  { agent_id, project_id }: { agent_id: string; project_id: string },
): Promise<void> {
  for (const team of [`${team_id}2`, team_id]) await connect(slack, team, { agent_id, project_id }, key);
  // What the walk connects later is a workspace of its own.
  slack.answers.set("auth.test", () => ({ ...identityOf(`${team_id}3`), team: mark }));
  await env.DB.prepare("UPDATE slack_workspaces SET team_name = ? WHERE team_id LIKE ?")
    .bind(mark, `${team_id}%`)
    .run();
}
