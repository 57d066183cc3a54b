// A deploy: for a while the former version's Worker calls this version's objects and the other way round, and what one
// version wrote the other takes up. The former version is a bundle that is kept in test/fixtures/former-version.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startDaytona } from "../../dev/daytona/server.ts";
import { type Slack, startSlack } from "../../dev/slack/server.ts";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { PlanView } from "../../src/protocol/plan/task.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { readScript, startVersionPair, type Version, type VersionPair } from "../setup/version-pair.ts";
import { SANDBOX_KEY } from "./harness.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { actOn, type RunsActor, userTexts, useTool } from "./runs-client.ts";
import { openReader, type ReadServer } from "./stream-reader.ts";

const key = "first-key-of-the-tests";

let model: PuppetModel;
let slack: Slack;
let workspace: ReturnType<Slack["addWorkspace"]>;
let closeSandboxes: () => Promise<void>;
let versions: VersionPair;
let server: ServerClient & ReadServer;
let runs: RunsActor;
let unanswered: ModelCall[] = [];

beforeEach(async () => {
  model = await startPuppetModel();
  slack = await startSlack();
  workspace = slack.addWorkspace("Acme", { installed: true });
  const state = await mkdtemp(join(tmpdir(), "taskloom-sandboxes-"));
  const daytona = await startDaytona({ port: 0, state, apiKey: SANDBOX_KEY });
  closeSandboxes = async () => {
    await daytona.close();
    await rm(state, { recursive: true, force: true });
  };
  versions = await startVersionPair({
    ADMIN_API_KEY: key,
    OPENAI_API_KEY: "model-key",
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "puppet",
    // A text of a megabyte is a row like others here, and nothing to summarize.
    MODEL_CONTEXT_TOKENS: "100000000",
    DAYTONA_API_KEY: SANDBOX_KEY,
    DAYTONA_API_URL: daytona.apiUrl,
    SLACK_APP_ID: slack.app.id,
    SLACK_SIGNING_SECRET: slack.app.signingSecret,
    SLACK_CLIENT_ID: slack.app.clientId,
    SLACK_CLIENT_SECRET: slack.app.clientSecret,
    SLACK_API_URL: slack.apiUrl,
    SLACK_AUTHORIZE_URL: slack.authorizeUrl,
    ENCRYPTION_KEY: "encryption-key-of-the-tests",
  });
});

afterEach(async () => {
  await versions.close();
  await closeSandboxes();
  await slack.close();
  await model.close();
});

/** Continues with these versions; who asked the model before is gone. */
async function deploy(worker: Version, objects: Version): Promise<void> {
  await versions.switchTo(worker, objects);
  model.forget();
  unanswered = [];
  server = { url: versions.url, key, hasFormerObjects: true, ...clientOf({ url: versions.url, key }) };
  runs = actOn(server, model);
  slack.connect(`${versions.url}/integrations/slack`);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(20);
}

/** The next model call of the thread that this was said on: several threads may ask at once. */
async function nextAbout(text: string): Promise<ModelCall> {
  const isAbout = (call: ModelCall) => userTexts(call).some((said) => String(said).includes(text));
  const place = unanswered.findIndex(isAbout);
  if (place >= 0) return unanswered.splice(place, 1)[0] as ModelCall;
  const call = await model.next();
  if (isAbout(call)) return call;
  unanswered.push(call);
  return await nextAbout(text);
}

async function answerAbout(text: string, answer: string): Promise<void> {
  const call = await nextAbout(text);
  call.text(answer);
  call.finish();
}

async function endOf(thread: string, run: string) {
  await runs.eventsOf(thread, run);
  return await runs.readRun(thread, run);
}

const plan = { sections: [{ title: "Shop", tasks: ["Pages", "Cart"] }] };

/** A plan, a command and a question, which waits. */
async function playUntilQuestion(thread: string): Promise<void> {
  await runs.post(`${thread}/runs`, { message: `build ${thread}`, invocation_id: `${thread}-1` });
  useTool(await nextAbout(`build ${thread}`), `${thread}-plan`, "create_tasks", plan);
  const first = await nextAbout(`build ${thread}`);
  first.think("It needs files.");
  first.text("I look around.");
  useTool(first, `${thread}-look`, "execute_command", { command: "echo seen" });
  useTool(await nextAbout(`build ${thread}`), `${thread}-ask`, "ask", {
    question: "Red or blue?",
    choices: ["red", "blue"],
  });
  expect((await endOf(thread, `${thread}-1`)).status).toBe("interrupted");
}

async function readTaskIds(thread: string): Promise<string[]> {
  const { sections } = await server.json<PlanView>("GET", `/v1/threads/${thread}/tasks`);
  return sections.flatMap(({ tasks }) => tasks.map(({ id }) => id));
}

/** The question's answer, and how the tasks are left. */
async function playAnswer(thread: string): Promise<ModelCall> {
  const { interrupts } = await runs.readRun(thread, `${thread}-1`);
  const resume = [{ interrupt_id: interrupts[0]?.id, status: "resolved", payload: "blue" }];
  const invocation_id = `${thread}-2`;
  expect(await runs.post(`${thread}/runs/${thread}-1/resume`, { resume, invocation_id })).toMatchObject({
    status: 202,
  });
  const call = await nextAbout(`build ${thread}`);
  expect(call.messages.findLast(({ role }) => role === "tool")?.content).toBe("blue");
  useTool(call, `${thread}-end`, "update_tasks", { task_ids: await readTaskIds(thread), status: "cancelled" });
  await answerAbout(`build ${thread}`, "Blue it is.");
  expect(await endOf(thread, invocation_id)).toMatchObject({ status: "completed", resumes: `${thread}-1` });
  return call;
}

async function mention(text: string): Promise<{ ts: string }> {
  const { message, deliveries } = slack.mention({ channel: workspace.channel, user: workspace.user, text });
  const made = await Promise.all(deliveries);
  expect(made.every(({ isAccepted }) => isAccepted)).toBe(true);
  return message;
}

function shownBelow(ts: string): string[] {
  const all = slack.thread(workspace.channel, ts).filter(({ user }) => user === workspace.bot.userId);
  return all.map(({ text, blocks, stream }) =>
    stream ? text : String(blocks?.find(({ type }) => type === "markdown")?.text ?? text),
  );
}

function hasButtons(ts: string): boolean {
  const blocks = slack.thread(workspace.channel, ts).map((message) => message.blocks);
  return JSON.stringify(blocks).includes("taskloom:choice");
}

/** All that a client reads of a thread, and each event that it is given from the start. */
async function readAll(thread: string): Promise<Record<string, unknown>> {
  const paths = ["", "/messages?limit=200", "/tasks?include=ledger", "/runs", "/inbox"];
  const read = await Promise.all(
    paths.map(async (path) => [path, await server.json("GET", `/v1/threads/${thread}${path}`)] as const),
  );
  const listed = await runs.listRuns(thread);
  const events: ThreadEvent[][] = [];
  for (const { invocation_id, status } of listed) {
    if (status !== "queued" && status !== "running") events.push(await runs.eventsOf(thread, invocation_id));
  }
  return { ...Object.fromEntries(read), events };
}

/** Without what was added to a run since the former version. */
function withoutLaterFields(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, inner) => (["hops", "caused_by"].includes(name) ? undefined : inner)));
}

it("the objects have each method that the former version calls, by its name", async () => {
  const methods =
    "create update remove accept sync readThread readPlan readLedger editPlan readMessages readInbox readRuns getRun waitForEnd cancel start bury poke diagnose".split(
      " ",
    );
  const [former, current] = await Promise.all([readScript("former"), readScript("current")]);
  for (const script of [former, current]) {
    expect(methods.filter((name) => !new RegExp(`async ${name}\\(`).test(script))).toEqual([]);
  }
});

describe.each<[Version, Version]>([
  ["former", "current"],
  ["current", "former"],
])("the %s version's Worker before the %s version's objects", (worker, objects) => {
  beforeEach(() => deploy(worker, objects));

  it("runs, plans, asks and is answered, and streams it", async () => {
    await playUntilQuestion("work");
    const [task_id] = await readTaskIds("work");
    const edits = [{ op: "update", task_ids: [task_id], content: "All pages" }];
    const edited = await server.request("PATCH", "/v1/threads/work/tasks", { operations: edits });
    expect([edited.status, await edited.text()]).toEqual([200, expect.stringContaining("All pages")]);
    await playAnswer("work");
    const texts = (await runs.listMessages("work", "assistant")).map(({ content }) => JSON.stringify(content));
    expect(texts.at(-1)).toContain("Blue it is.");
    expect(await server.json("GET", "/v1/threads/work/diagnostics")).toBeDefined();
    expect(await server.json("PATCH", "/v1/threads/work", { title: "Shop" })).toMatchObject({ title: "Shop" });
    expect((await server.request("DELETE", "/v1/threads/work")).status).toBe(204);
    expect((await server.request("GET", "/v1/threads/work")).status).toBe(404);
  });

  it("starts runs from the queue, steers, replaces and cancels them", async () => {
    await runs.post("busy/runs", { message: "first", invocation_id: "inv-1", background: true });
    const first = await model.next();
    const steered = await runs.post("busy/runs", { message: "rather blue", on_busy: "steer" });
    expect([steered.status, steered.body.invocation_id]).toEqual([202, "inv-1"]);
    useTool(first, "call-1", "view_tasks", {});
    expect(userTexts(await runs.say("Blue."))).toEqual(["first", "rather blue"]);
    expect((await endOf("busy", "inv-1")).status).toBe("completed");
    await runs.post("busy/runs", { message: "second", invocation_id: "inv-2" });
    await model.next();
    await runs.post("busy/runs", { message: "third", invocation_id: "inv-3", on_busy: "replace" });
    expect((await endOf("busy", "inv-2")).status).toBe("cancelled");
    await model.next();
    expect((await runs.post("busy/runs/inv-3/cancel")).status).toBe(200);
    expect((await endOf("busy", "inv-3")).status).toBe("cancelled");
    await runs.post("busy/runs", { message: "fourth", invocation_id: "inv-4" });
    const fourth = await model.next();
    await runs.post("busy/runs", { message: "fifth", invocation_id: "inv-5", background: true });
    const job = { type: "run_agent_background", user_id: "user_first", thread_id: "busy", invocation_id: "inv-5" };
    await versions.deliver("taskloom-dead", [job]);
    fourth.text("Done.");
    fourth.finish();
    expect(await endOf("busy", "inv-4")).toMatchObject({ status: "completed" });
    expect(await endOf("busy", "inv-5")).toMatchObject({ status: "failed", error: { code: "dead_letter" } });
    await versions.tick();
  });

  it("shows a run in Slack", async () => {
    await server.json("POST", "/v1/slack/workspaces", { bot_token: workspace.token() });
    const { ts } = await mention("paint it");
    useTool(await model.next(), "call-ask", "ask", { question: "Red or blue?", choices: ["red", "blue"] });
    await until(() => hasButtons(ts));
    const more = slack.say({ channel: workspace.channel, user: workspace.user, text: "blue", thread_ts: ts });
    await Promise.all(more.deliveries);
    await runs.say("Painted blue.");
    await until(() => shownBelow(ts).some((text) => text.includes("Painted blue.")));
  });
});

interface Made {
  key: string;
  key_id: string;
  trigger_id: string;
}

/** A key that `by` makes, and a schedule that it makes in turn. */
async function makeWay(by: ServerClient): Promise<Made & { client: ServerClient }> {
  const made = await by.json<Made>("POST", "/v1/api-keys", {});
  const client = clientOf({ url: server.url, key: made.key });
  const schedule = { type: "schedule", prompt: "Report.", cron: "0 8 * * *" };
  const { trigger_id } = await client.json<Made>("POST", "/v1/triggers", schedule);
  return { ...made, trigger_id, client };
}

/** Deploys change the address. */
let ownerKey: string;
const owner = () => clientOf({ url: server.url, key: ownerKey });
const revoke = (key_id: string) => owner().request("DELETE", `/v1/api-keys/${key_id}?made=revoke`);
const listMade = async (key_id: string) =>
  (await owner().json<{ data: object[] }>("GET", `/v1/api-keys/${key_id}/made`)).data;
const statusOf = async (key: string) => (await clientOf({ url: server.url, key }).request("GET", "/v1/threads")).status;

describe("a plan with checks", () => {
  const checks = [{ type: "command", run: "npm test" }];
  const edit = (...operations: object[]) => server.request("PATCH", "/v1/threads/checked/tasks", { operations });
  const readTasks = async () =>
    (await server.json<PlanView>("GET", "/v1/threads/checked/tasks")).sections.flatMap(({ tasks }) => tasks);

  it("keeps them while the former version's objects change the plan", async () => {
    await deploy("current", "current");
    await server.json("POST", "/v1/threads", { thread_id: "checked" });
    await edit({ op: "create", section_title: "S", task_contents: [{ content: "A", checks }, "B"] });
    const [checked, plain] = await readTasks();
    expect(checked).toMatchObject({ checks: [{ author: "person", spec: checks[0] }], verification: "not_run" });
    await deploy("former", "former");
    expect((await edit({ op: "update", task_ids: [checked?.id], content: "All of A" })).status).toBe(200);
    expect((await edit({ op: "create", section_title: "S", task_contents: ["C"] })).status).toBe(200);
    expect((await edit({ op: "delete", task_ids: [plain?.id] })).status).toBe(200);
    await deploy("current", "current");
    expect(await readTasks()).toMatchObject([{ ...checked, content: "All of A" }, { content: "C" }]);
  });

  it("is refused by the former version's objects, which know no checks, and never half made", async () => {
    await deploy("current", "former");
    await server.json("POST", "/v1/threads", { thread_id: "checked" });
    await edit({ op: "create", section_title: "S", task_contents: ["A"] });
    const [task] = await readTasks();
    const created = await edit({ op: "create", section_title: "S", task_contents: [{ content: "B", checks }] });
    const updated = await edit({ op: "update", task_ids: [task?.id], checks });
    expect([created.status, updated.status]).toEqual([503, 503]);
    expect(await readTasks()).toEqual([task]);
  });
});

describe("what a key made", () => {
  it("stays revoked for the former version, and is found after the former version deleted the key", async () => {
    await deploy("current", "current");
    const made = await server.json<{ api_key: string }>("POST", "/v1/users", { user_id: "user_owner" });
    ownerKey = made.api_key;
    const thief = await makeWay(owner());
    const second = await makeWay(thief.client);
    const gone = await makeWay(owner());
    expect((await revoke(thief.key_id)).status).toBe(204);
    await deploy("former", "former");
    for (const { key, trigger_id } of [thief, second]) {
      expect(await statusOf(key)).toBe(401);
      expect(await owner().json("GET", `/v1/triggers/${trigger_id}`)).toMatchObject({ enabled: false });
    }
    expect((await owner().request("DELETE", `/v1/api-keys/${gone.key_id}`)).status).toBe(204);
    const unknown = await makeWay(owner());
    await deploy("current", "current");
    expect(await statusOf(gone.key)).toBe(401);
    expect(await listMade(gone.key_id)).toMatchObject([{ id: gone.trigger_id, enabled: true }]);
    expect((await revoke(gone.key_id)).status).toBe(204);
    expect(await listMade(gone.key_id)).toMatchObject([{ id: gone.trigger_id, enabled: false }]);
    // The former version names nobody.
    const ids = [unknown.trigger_id, unknown.key_id].map((id) => expect.objectContaining({ id }));
    expect(await listMade("unknown")).toEqual(expect.arrayContaining(ids));
  });
});

describe.each<[Version, Version]>([
  ["former", "current"],
  ["current", "former"],
])("what the %s version wrote", (from, to) => {
  it(`is read the same by the ${to} version, which continues with it`, async () => {
    await deploy(from, from);
    await server.json("POST", "/v1/slack/workspaces", { bot_token: workspace.token() });
    await playUntilQuestion("asked");
    await playUntilQuestion("told");
    await playAnswer("told");
    await runs.post("long/runs", { message: "a long answer", invocation_id: "inv-1" });
    // More bytes than a column holds.
    await runs.say("长".repeat(400_000));
    expect((await endOf("long", "inv-1")).status).toBe("completed");
    const [task_id] = await readTaskIds("asked");
    const edit = { op: "update", task_ids: [task_id], content: "All pages" };
    await server.json("PATCH", "/v1/threads/asked/tasks", { operations: [edit] });
    const readThem = async () => withoutLaterFields(await Promise.all(["asked", "told", "long"].map(readAll)));
    const before = await readThem();

    const { ts: paint } = await mention("paint it");
    useTool(await nextAbout("paint it"), "call-ask", "ask", { question: "Red or blue?", choices: ["red", "blue"] });
    await until(() => hasButtons(paint));

    await runs.post("amid/runs", { message: "count", invocation_id: "inv-1" });
    const amid = await model.next();
    const reader = await openReader(server, "/v1/threads/amid/runs/inv-1/events");
    amid.text("One, ");
    await reader.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
    await runs.post("amid/runs", { message: "then rest", invocation_id: "inv-2" });
    await runs.post("amid/runs", { message: "backwards", on_busy: "steer" });
    const inbox = await server.json("GET", "/v1/threads/amid/inbox");
    const { ts } = await mention("say it here");
    const said = await model.next();
    said.text("Said ");
    await until(() => shownBelow(ts).some((text) => text.includes("Said")));

    await deploy(to, to);
    expect(await readThem()).toEqual(before);
    expect(await server.json("GET", "/v1/threads/amid/inbox")).toEqual(inbox);
    expect((await playAnswer("asked")).reminder).toContain(`reworded ${task_id}`);
    expect((await runs.eventsOf("asked", "asked-2")).find(({ type }) => type === "STATE_SNAPSHOT")).toMatchObject({
      snapshot: { sandbox: { state: "started" } },
    });
    // Whoever asks wakes the thread; else its alarm does.
    await server.json("GET", `/v1/threads/${await threadOfPlace(workspace.id, workspace.channel, ts)}/inbox`);
    await answerAbout("say it here", "Said in Slack.");
    await answerAbout("count", "Two, one.");
    await answerAbout("then rest", "Resting.");
    expect(await endOf("amid", "inv-1")).toMatchObject({ status: "completed", attempt: 2 });
    expect(await endOf("amid", "inv-2")).toMatchObject({ status: "completed", attempt: 1 });
    const words = (await runs.listMessages("amid", "user")).map(
      ({ content }) => (content as { content: string }).content,
    );
    expect(words).toEqual(["count", "backwards", "then rest"]);
    await until(() => shownBelow(ts).some((text) => text.includes("Said in Slack.")));
    expect(shownBelow(ts)).toHaveLength(1);
    const painting = await threadOfPlace(workspace.id, workspace.channel, paint);
    await runs.post(`${painting}/runs`, { message: "Blue, please.", invocation_id: "inv-p" });
    await answerAbout("paint it", "Painted blue.");
    await until(() => shownBelow(paint).some((text) => text.includes("Painted blue.")));
    await until(() => !hasButtons(paint));
  });
});
