// What a client does so that a Worker calls a method of the thread's object, one case a method. To add a method, give it a
// case, and in `without` what its caller does before an object that lacks it.
import { expect } from "vitest";
import type { Job } from "../../src/protocol/job.ts";
import type { Thread } from "../../src/protocol/thread.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { readNewestRelease, startVersionPair, type Version, type VersionPair } from "../setup/version-pair.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { actOn, type RunsActor, userTexts, useTool } from "./runs-client.ts";
import { openReader, type ReadServer } from "./stream-reader.ts";

const key = "first-key-of-the-tests";
const minutes = (count: number) => count * 60_000;

export interface Place {
  model: PuppetModel;
  versions: VersionPair;
  server: ServerClient & ReadServer;
  runs: RunsActor;
  /** The next model call of the thread whose message names it: a case that failed leaves calls behind. */
  nextOf(thread: string): Promise<ModelCall>;
  /** Answers that call with a text. */
  answerOf(thread: string, text: string): Promise<void>;
}

export interface Case {
  /** Plays what makes a Worker call the method, and checks what a client gets. */
  play(place: Place): Promise<void>;
  /** What this version's Worker does before objects that lack the method. */
  without?(place: Place): Promise<void>;
}

export type DeployedPlace = Place & { deploy(worker: Version, objects: Version): Promise<void> };

export async function startPlace(own: Record<string, string> = {}): Promise<DeployedPlace> {
  const model = await startPuppetModel();
  const settings = {
    ...own,
    ADMIN_API_KEY: key,
    OPENAI_API_KEY: "model-key",
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "puppet",
    ENCRYPTION_KEY: "encryption-key-of-the-tests",
  };
  const versions = await startVersionPair(settings, { former: await readNewestRelease(), isRecorded: true });
  const place = { model, versions } as DeployedPlace;
  let untaken: ModelCall[] = [];
  place.nextOf = async (thread) => {
    const isOf = (call: ModelCall) => userTexts(call).some((text) => String(text).includes(`on ${thread}.`));
    const at = untaken.findIndex(isOf);
    if (at >= 0) return untaken.splice(at, 1)[0] as ModelCall;
    untaken.push(await model.next());
    return await place.nextOf(thread);
  };
  place.answerOf = async (thread, text) => {
    const call = await place.nextOf(thread);
    call.text(text);
    call.finish();
  };
  place.deploy = async (worker, objects) => {
    await versions.switchTo(worker, objects);
    model.forget();
    untaken = [];
    const { url } = versions;
    place.server = { url, key, ...clientOf({ url, key }) };
    place.runs = actOn(place.server, model);
  };
  return place;
}

const makeThread = ({ server }: Place, thread_id: string, title = thread_id) =>
  server.json<Thread>("POST", "/v1/threads", { thread_id, title });

/** A thread in a project that keeps threads for a day, and then so many days without anybody. */
async function passDays({ server, versions }: Place, thread_id: string, days: number): Promise<void> {
  await server.json("POST", "/v1/projects", { project_id: thread_id, name: thread_id, retention_days: 1 });
  await server.json("POST", "/v1/threads", { thread_id, project_id: thread_id });
  await versions.tick(new Date(Date.now() + minutes(days * 24 * 60)));
}

export const question = { question: "Red or blue?", choices: ["red", "blue"] };
const plan = { sections: [{ title: "Shop", tasks: ["Pages", "Cart"] }] };

const saying = (thread: string, text = "Work") => ({ message: `${text} on ${thread}.` });

/** A thread with a plan, whose run asks a question. */
export async function makePlan({ runs, nextOf }: Place, thread: string): Promise<void> {
  await runs.post(`${thread}/runs`, { ...saying(thread), invocation_id: `${thread}-1` });
  useTool(await nextOf(thread), `${thread}-plan`, "create_tasks", plan);
  useTool(await nextOf(thread), `${thread}-ask`, "ask", question);
  await runs.eventsOf(thread, `${thread}-1`);
  expect(await runs.readRun(thread, `${thread}-1`)).toMatchObject({ status: "interrupted" });
}

/** A run that works, and a message that waits for its end. */
export async function makeWaiting({ runs, nextOf }: Place, thread: string): Promise<ModelCall> {
  await runs.post(`${thread}/runs`, { ...saying(thread), invocation_id: `${thread}-1` });
  const call = await nextOf(thread);
  const later = { ...saying(thread, "More"), message_id: `${thread}-m`, invocation_id: `${thread}-2` };
  await runs.post(`${thread}/runs`, later);
  return call;
}

async function finishWaiting({ runs, answerOf }: Place, thread: string, call: ModelCall): Promise<void> {
  call.text("One.");
  call.finish();
  await answerOf(thread, "Later.");
  await runs.eventsOf(thread, `${thread}-2`);
}

export const contents = ({ server }: Place, thread: string) =>
  server.json<{ sections: { tasks: { id: string; content: string }[] }[] }>("GET", `/v1/threads/${thread}/tasks`);

const ids = { user_id: "user_first", attempt: 1 };

/** A job of each kind as the newest release sends it, about things that are gone. A kind that it lacks is named behind it. */
export const jobs: { [Type in Job["type"]]: Extract<Job, { type: Type }> } = {
  run_agent_background: {
    type: "run_agent_background",
    user_id: "user_first",
    thread_id: "gone",
    invocation_id: "gone",
  },
  delete_sandbox: {
    type: "delete_sandbox",
    ...ids,
    project_id: "gone",
    project_created_at: "2026-01-01T00:00:00.000Z",
  },
  revoke_made: { type: "revoke_made", ...ids, key_id: "gone" },
  pause_account: { type: "pause_account", ...ids, user_id: "gone" },
  close_account: { type: "close_account", ...ids, user_id: "gone" },
  fire_schedule: { type: "fire_schedule", ...ids, trigger_id: "gone", due_at: "2026-01-01T00:00:00.000Z" },
  deliver_webhook: { type: "deliver_webhook", user_id: "user_first", webhook_id: "gone", delivery_id: "gone" },
};

/** After a rollback the release refuses these, and they are lost. Say in each's code why that is well. */
export const newJobs: Job["type"][] = [];

export const cases: Record<string, Case> = {
  create: {
    async play(place) {
      expect(await makeThread(place, "create")).toMatchObject({ thread_id: "create", title: "create" });
      const again = await place.server.request("POST", "/v1/threads", { thread_id: "create" });
      expect([again.status, await again.text()]).toEqual([409, expect.stringContaining("already_exists")]);
    },
  },
  update: {
    async play(place) {
      await makeThread(place, "update");
      expect(await place.server.json("PATCH", "/v1/threads/update", { title: "Shop" })).toMatchObject({
        title: "Shop",
      });
      expect(await place.server.json("GET", "/v1/threads/update")).toMatchObject({ title: "Shop" });
    },
  },
  remove: {
    async play(place) {
      await makeThread(place, "remove");
      expect((await place.server.request("DELETE", "/v1/threads/remove")).status).toBe(204);
      expect((await place.server.request("GET", "/v1/threads/remove")).status).toBe(404);
    },
  },
  accept: {
    async play({ runs, answerOf }) {
      expect(await runs.post("accept/runs", { ...saying("accept"), invocation_id: "accept-1" })).toMatchObject({
        status: 202,
        body: { invocation_id: "accept-1", status: "running" },
      });
      await answerOf("accept", "Hi.");
      await runs.eventsOf("accept", "accept-1");
      expect(await runs.readRun("accept", "accept-1")).toMatchObject({ status: "completed", attempt: 1 });
    },
  },
  sync: {
    async play(place) {
      await makeThread(place, "sync");
      expect(await place.server.json("GET", "/v1/threads/sync")).toMatchObject({ thread_id: "sync", last_run: null });
    },
  },
  readThread: {
    async play(place) {
      await makeThread(place, "behind-thread");
      expect(await place.server.json("GET", "/v1/threads/behind-thread")).toMatchObject({ title: "behind-thread" });
    },
  },
  readPlan: {
    async play(place) {
      await makePlan(place, "behind-plan");
      const [section] = (await contents(place, "behind-plan")).sections;
      expect(section?.tasks.map(({ content }) => content)).toEqual(["Pages", "Cart"]);
    },
  },
  readLedger: {
    async play(place) {
      await makePlan(place, "ledger");
      const answer = await place.server.json("GET", "/v1/threads/ledger/tasks?include=ledger");
      expect(JSON.stringify(answer)).toContain("Pages");
    },
  },
  editPlan: {
    async play(place) {
      await makePlan(place, "edit");
      const task = (await contents(place, "edit")).sections[0]?.tasks[0];
      const operations = [{ op: "update", task_ids: [task?.id], content: "All pages" }];
      const edited = await place.server.json("PATCH", "/v1/threads/edit/tasks", { operations });
      expect(JSON.stringify(edited)).toContain("All pages");
    },
  },
  callChecks: {
    async play(place) {
      await makePlan(place, "again");
      const ran = await place.server.json("POST", "/v1/threads/again/checks/run?wait=1", {});
      expect(ran).toMatchObject({ status: "completed", receipt_ids: [] });
    },
    async without(place) {
      await makePlan(place, "not-again");
      const refused = await place.server.request("POST", "/v1/threads/not-again/checks/run", {});
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "60"]);
    },
  },
  readMessages: {
    async play(place) {
      await makePlan(place, "behind-messages");
      const texts = await place.runs.listMessages("behind-messages", "user");
      expect(JSON.stringify(texts.map(({ content }) => content))).toMatch(/Work on behind-messages/);
    },
  },
  readInbox: {
    async play(place) {
      const call = await makeWaiting(place, "inbox");
      const { data } = await place.server.json<{ data: object[] }>("GET", "/v1/threads/inbox/inbox");
      expect(data).toMatchObject([{ message_id: "inbox-m" }]);
      await finishWaiting(place, "inbox", call);
    },
  },
  changeWaiting: {
    async play(place) {
      const call = await makeWaiting(place, "change");
      const changed = await place.server.json("PATCH", "/v1/threads/change/inbox/change-m", saying("change", "Sooner"));
      expect(JSON.stringify(changed)).toContain("Sooner");
      await finishWaiting(place, "change", call);
      expect(JSON.stringify(await place.runs.listMessages("change", "user"))).toContain("Sooner");
    },
  },
  removeWaiting: {
    async play(place) {
      const call = await makeWaiting(place, "withdraw");
      const path = "/v1/threads/withdraw/inbox/withdraw-m";
      expect((await place.server.request("DELETE", path)).status).toBe(204);
      expect((await place.server.request("DELETE", path)).status).toBe(404);
      call.text("One.");
      call.finish();
      await place.runs.eventsOf("withdraw", "withdraw-1");
      expect(await place.runs.readRun("withdraw", "withdraw-2")).toMatchObject({ status: "cancelled" });
    },
  },
  readRuns: {
    async play(place) {
      await makePlan(place, "behind-runs");
      expect(await place.runs.listRuns("behind-runs")).toMatchObject([{ invocation_id: "behind-runs-1" }]);
    },
  },
  getRun: {
    async play(place) {
      await makePlan(place, "run");
      expect(await place.runs.readRun("run", "run-1")).toMatchObject({ status: "interrupted" });
      expect((await place.server.request("GET", "/v1/threads/run/runs/other")).status).toBe(404);
    },
  },
  waitForEnd: {
    async play({ runs, answerOf }) {
      const waited = runs.post("wait/runs?wait=1", { ...saying("wait"), invocation_id: "wait-1" });
      await answerOf("wait", "Hi.");
      expect(await waited).toMatchObject({ status: 200, body: { status: "completed" } });
    },
  },
  fetch: {
    async play({ server, nextOf }) {
      const reader = await openReader(server, "/v1/threads/stream/runs/stream", {
        method: "POST",
        body: { ...saying("stream"), invocation_id: "stream-1" },
      });
      const call = await nextOf("stream");
      call.text("Hi");
      await reader.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
      reader.leave();
      call.text(" there.");
      call.finish();
      const rest = await openReader(server, "/v1/threads/stream/runs/stream-1/events", { after: reader.lastId });
      expect(await rest.ended).toBe("closed");
      expect(rest.frames.at(-1)?.event.type).toBe("RUN_FINISHED");
    },
  },
  waitForStream: {
    async play({ server, answerOf }) {
      const reader = await openReader(server, "/v1/threads/streams/runs/stream", {
        method: "POST",
        body: { ...saying("streams"), invocation_id: "streams-1" },
      });
      await answerOf("streams", "Hi.");
      expect(await reader.ended).toBe("closed");
    },
  },
  cancel: {
    async play({ server, runs, nextOf }) {
      await runs.post("cancel/runs", { ...saying("cancel"), invocation_id: "cancel-1" });
      (await nextOf("cancel")).text("One");
      expect(await server.json("POST", "/v1/threads/cancel/runs/cancel-1/cancel")).toMatchObject({
        invocation_id: "cancel-1",
      });
      await runs.eventsOf("cancel", "cancel-1");
      expect(await runs.readRun("cancel", "cancel-1")).toMatchObject({ status: "cancelled" });
    },
  },
  start: {
    async play({ runs, answerOf }) {
      await runs.post("start/runs", { ...saying("start"), invocation_id: "start-1", background: true });
      await answerOf("start", "Hi.");
      await runs.eventsOf("start", "start-1");
      expect(await runs.readRun("start", "start-1")).toMatchObject({ status: "completed" });
    },
  },
  bury: {
    async play({ versions, runs, nextOf }) {
      await runs.post("bury/runs", { ...saying("bury"), invocation_id: "bury-1" });
      const first = await nextOf("bury");
      await runs.post("bury/runs", { ...saying("bury"), invocation_id: "bury-2", background: true });
      const ids = { user_id: "user_first", thread_id: "bury", invocation_id: "bury-2" };
      await versions.deliver("taskloom-dead", [{ type: "run_agent_background", ...ids }]);
      first.text("Done.");
      first.finish();
      await runs.eventsOf("bury", "bury-2");
      expect(await runs.readRun("bury", "bury-2")).toMatchObject({ status: "failed", error: { code: "dead_letter" } });
    },
  },
  poke: {
    async play({ versions, runs, nextOf }) {
      await runs.post("poke/runs", { ...saying("poke"), invocation_id: "poke-1" });
      const call = await nextOf("poke");
      // Whoever reads the thread has brought the run to D1.
      await runs.listRuns("poke");
      // Past the time until which its row need not be heard of.
      await versions.tick(new Date(Date.now() + minutes(15)));
      call.text("One.");
      call.finish();
      await runs.eventsOf("poke", "poke-1");
      expect(await runs.readRun("poke", "poke-1")).toMatchObject({ status: "completed" });
    },
  },
  expire: {
    async play(place) {
      await passDays(place, "expire", 2);
      expect((await place.server.request("GET", "/v1/threads/expire")).status).toBe(404);
    },
    // Such an object can't say whether the thread is in use, so it stays until the object is replaced.
    async without(place) {
      await passDays(place, "not-expired", 2);
      expect(await place.server.json("GET", "/v1/threads/not-expired")).toMatchObject({ thread_id: "not-expired" });
    },
  },
  closeLeases: {
    async play(place) {
      await makeThread(place, "lease");
      const db = await place.versions.database();
      const granted_at = new Date(Date.now() - minutes(10)).toISOString();
      await db
        .prepare(
          `INSERT INTO leases VALUES ('user_first', 'lease', 'lease_1_lost', 'deployment', 'day', '', 'lost', ?1, NULL, 5, 7, 9)`,
        )
        .bind(granted_at)
        .run();
      await place.versions.tick();
      const { results } = await db.prepare("SELECT cost, closed_at FROM leases WHERE thread_id = 'lease'").all();
      expect(results).toEqual([{ cost: 0, closed_at: expect.any(String) }]);
    },
  },
  diagnose: {
    async play(place) {
      await makeThread(place, "diagnose");
      expect(await place.server.json("GET", "/v1/threads/diagnose/diagnostics")).toMatchObject({
        d1: { pending: false },
        inbox: [],
      });
    },
  },
};
