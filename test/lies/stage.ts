// The measurement's server: Taskloom as `npm start` serves it, sandboxes of the Daytona-compatible server, and a model
// that plays scripts. `play` carries out one job on it and says what came of it.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PROJECT_FILE } from "../../src/agent/checks/project/file.ts";
import type { Verification } from "../../src/protocol/plan/check.ts";
import type { PlanView, Task } from "../../src/protocol/plan/task.ts";
import type { Interrupt, Run } from "../../src/protocol/run.ts";
import { startGitServer } from "../e2e/git-server.ts";
import { startTaskloom, type Taskloom } from "../e2e/harness.ts";
import type { Answer, Job, Script, World } from "./job.ts";
import { startScriptedModel } from "./model.ts";
import { FOLDER, PROOF, projectFiles } from "./project.ts";

export interface Played {
  job: Job;
  /** False: the same job without any check, to compare. */
  is_checked: boolean;
  /** Of the task that the job is about. */
  verification: Verification;
  status: Task["status"];
  /** Whether any task ended as verified. */
  is_verified: boolean;
  run: Run["status"];
  /** Null where it can't be determined from the code. */
  is_done: boolean | null;
  steps: number;
  tokens: number;
  seconds: number;
  /** Why it is as it is: what the last look at each check said. */
  reasons: string[];
}

export interface Stage {
  isolation: string;
  play(job: Job, is_checked?: boolean): Promise<Played>;
  close(): Promise<void>;
}

/** The longest job waits for two checks and a sandbox. */
const PATIENCE_MS = 120_000;
const POLL_MS = 100;

export async function openStage(): Promise<Stage> {
  const model = await startScriptedModel();
  const host = await startGitServer();
  const settings = {
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "scripted",
    ENCRYPTION_KEY: "a key of the measurement",
  };
  // The remote is on this machine.
  const taskloom = await startTaskloom({ ...settings, ALLOW_PRIVATE_URLS: "1" });
  let count = 0;
  return {
    isolation: taskloom.daytona.isolation,
    async play(job, is_checked = true) {
      const name = `${job.id}-${++count}`;
      const files: Record<string, string> = { ...projectFiles, ...job.files };
      if (is_checked && job.project_checks !== undefined) files[PROJECT_FILE] = job.project_checks;
      const isRepository = job.has_remote === true || job.project_checks !== undefined;
      const git = isRepository ? { url: (await host.addRepository(name, { files })).url, path: FOLDER } : null;
      const place = await prepare(taskloom, job, { name, is_checked, git, files });
      const script: Script = is_checked ? job.script : (world) => withoutChecks(job.script(world));
      model.play(name, script(place.world));
      const begun = performance.now();
      const run = await converse(taskloom, { name, job, ...place });
      const seconds = (performance.now() - begun) / 1000;
      if (is_checked) await job.afterwards?.(place.world);
      const tasks = await readTasks(taskloom, name);
      const [task] = tasks;
      return {
        ...{ job, is_checked, run, seconds },
        verification: task?.verification ?? "none",
        status: task?.status ?? "pending",
        is_verified: tasks.some(({ verification }) => verification === "verified"),
        is_done: job.done === undefined ? null : await prove(taskloom, name, git === null ? "" : `${git.path}/`),
        ...model.costs(name),
        reasons: tasks.flatMap(({ checks = [] }) => checks.flatMap(({ result }) => result?.reason ?? [])),
      };
    },
    async close() {
      await taskloom.close();
      await host.close();
      await model.close();
    },
  };
}

interface Place {
  world: World;
  agent_id: string;
}

interface Beginning {
  name: string;
  is_checked: boolean;
  /** Of a project that is a repository. */
  git: { url: string; path: string } | null;
  files: Record<string, string>;
}

async function prepare(
  taskloom: Taskloom,
  { plan, agent = {} }: Job,
  { name, is_checked, git, files }: Beginning,
): Promise<Place> {
  const { json } = taskloom;
  const project = `/v1/projects/${name}`;
  await json("POST", "/v1/projects", { project_id: name, name, ...(git === null ? {} : { git }) });
  const { agent_id } = await json<{ agent_id: string }>("POST", "/v1/agents", { agent_id: name, name, ...agent });
  await json("POST", `${project}/sandbox/start`);
  if (git === null) for (const [path, text] of Object.entries(files)) await upload(taskloom, project, path, text);
  await json("POST", "/v1/threads", { thread_id: name, project_id: name });
  const edit = (operations: object[]) => json("PATCH", `/v1/threads/${name}/tasks`, { operations });
  const tasks = plan.map(({ content, checks }) => (is_checked && checks.length > 0 ? { content, checks } : content));
  if (tasks.length > 0) await edit([{ op: "create", section_title: "Work", task_contents: tasks }]);
  const world: World = {
    stopSandbox: async () => void (await json("POST", `${project}/sandbox/stop`)),
    addCheck: async (check) => {
      const [task] = await readTasks(taskloom, name);
      if (is_checked && task !== undefined) await edit([{ op: "update", task_ids: [task.id], checks: [check] }]);
    },
    write: (path, text) => upload(taskloom, project, path, text),
    untilFile: (path, text) => until(async () => (await download(taskloom, name, path)) === text),
    runAgain: async () => void (await json("POST", `/v1/threads/${name}/checks/run?wait=1`, {})),
  };
  return { world, agent_id };
}

async function upload({ url, key }: Taskloom, project: string, path: string, text: string): Promise<void> {
  const response = await fetch(`${url}${project}/sandbox/files/content?${new URLSearchParams({ path })}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${key}`, connection: "close" },
    body: text,
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

async function download({ url, key }: Taskloom, name: string, path: string): Promise<string | null> {
  const place = `/v1/projects/${name}/sandbox/files/content?${new URLSearchParams({ path })}`;
  const response = await fetch(url + place, { headers: { authorization: `Bearer ${key}`, connection: "close" } });
  const text = await response.text();
  return response.ok ? text : null;
}

async function until(isThere: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await isThere())) {
    if (Date.now() > end) throw new Error("What was waited for did not come.");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The person agrees to plans, says of finished work what the job says, and leaves all other questions alone. */
async function converse(
  { json }: Taskloom,
  { name, agent_id, job, world }: Place & { name: string; job: Job },
): Promise<Run["status"]> {
  const runs = `/v1/threads/${name}/runs`;
  const answers = [...(job.answers ?? [])];
  let messages = job.messages ?? 0;
  let run = await json<Run>("POST", runs, { message: `Job ${name}. Do what the plan says.`, agent_id });
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    run = await json<Run>("GET", `${runs}/${run.invocation_id}`);
    const { interrupts = [] } = run;
    if (run.status === "interrupted") {
      const asksCheck = interrupts.some(({ reason }) => reason === "check");
      const answer = asksCheck ? answers.shift() : undefined;
      if ((asksCheck && answer === undefined) || interrupts.some(({ reason }) => reason === "question"))
        return run.status;
      await answer?.before?.(world);
      const resume = interrupts.map((interrupt) => toAnswer(interrupt, answer));
      run = await json<Run>("POST", `${runs}/${run.invocation_id}/resume`, { resume });
    } else if (run.status === "completed" && messages > 0) {
      messages--;
      run = await json<Run>("POST", runs, { message: "Go on.", agent_id });
    } else if (run.status !== "queued" && run.status !== "running") return run.status;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await json("POST", `${runs}/${run.invocation_id}/cancel`);
  return run.status;
}

function toAnswer({ id, reason }: Interrupt, answer: Answer | undefined): object {
  const { approved, reason: note } = answer ?? { approved: reason === "plan_approval" };
  const payload = note === undefined ? { approved } : { approved, reason: note };
  return { interrupt_id: id, status: "resolved", payload };
}

/** The server's sections in one list. */
async function readTasks({ json }: Taskloom, name: string): Promise<Omit<Task, "section_id">[]> {
  const { sections } = await json<PlanView>("GET", `/v1/threads/${name}/tasks`);
  return sections.flatMap(({ tasks }) => tasks);
}

/** The model's calls without anything about checks. */
async function* withoutChecks(script: ReturnType<Script>): ReturnType<Script> {
  let results: string[] = [];
  for (;;) {
    const { value, done } = await script.next(results);
    if (done) return;
    results = yield typeof value === "string" ? value : value.map(([tool, args]) => [tool, dropChecks(args)]);
  }
}

function dropChecks(args: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(args, (key, value: unknown) => (key === "checks" ? undefined : value)));
}

/** Runs the code outside of the sandbox, where nothing of the job's is. It is one of ours. */
async function prove(taskloom: Taskloom, name: string, folder: string): Promise<boolean> {
  const text = await download(taskloom, name, `${folder}src/cart.js`);
  if (text === null) return false;
  const place = await mkdtemp(join(tmpdir(), "taskloom-lies-"));
  try {
    const file = join(place, "cart.mjs");
    await writeFile(file, text);
    const args = ["--input-type=module", "-e", PROOF, file];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: place, timeout: 20_000 });
    return stdout.includes("work done");
  } catch {
    return false;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
