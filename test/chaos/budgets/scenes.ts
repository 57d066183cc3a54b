// Who spends, and under which caps: each scene is a user with some runs at once. The caps are small, so that runs reach
// them in every way, and are raised where they are reached: so there is work to the end, and most of it near a cap.
import type { Server } from "../server.ts";
import type { CapOf } from "./checks.ts";

export interface Scene {
  name: string;
  key: string;
  user_id: string;
  /** The body of each run beside its message. */
  body: Record<string, unknown>;
  /** Of each run, with those that resume it. */
  runCap: CapOf;
  /** Of all runs of the scene: the user's day or month, or a project. */
  budget: { scope: "user" | "project"; period: "day" | "month" | "all"; cap: CapOf } | null;
  project_id: string | null;
  /** Threads are deleted during their runs. */
  deletes: boolean;
  /** What a cap that was reached is raised by. */
  step: CapOf;
  /** An admin halves the caps now and then. */
  isHalved: boolean;
  /** Each run has a user of its own, who is disabled or deleted during it. */
  hasGuests: boolean;
}

/** Some runs of about 25,000 tokens. They begin with this, and are raised by it. */
const DAY: CapOf = { tokens: 120_000 };
const MONTH: CapOf = { tokens: 150_000, usd: 0.6 };
const PROJECT: CapOf = { usd: 0.3 };
const DELETED: CapOf = { usd: 0.4 };
export const GUEST = { tokens: 500_000 };
const RUN: CapOf = { tokens: 60_000, usd: 0.2 };
/** What an answer raises it to. */
export const RAISED = 70_000;
const ASKING = 35_000;

/** Of all scenes together: most of what they want. */
export const DEPLOYMENT: CapOf = { tokens: 12_000_000, usd: 60 };

export async function openScenes(server: Server, receiver: string): Promise<Scene[]> {
  const open = (name: string, given: Partial<Scene> = {}, caps: object | null = null) =>
    openScene(server, receiver, name, caps, given);
  const day = await open(
    "day",
    { budget: { scope: "user", period: "day", cap: { ...DAY } } },
    { day: { max_total_tokens: DAY.tokens } },
  );
  const projects = await open("project", { budget: { scope: "project", period: "all", cap: { ...PROJECT } } });
  await makeProject(server, projects, "spent", PROJECT);
  // Another project of the same user.
  const deleted = { ...projects, name: "deleted", deletes: true };
  deleted.budget = { scope: "project", period: "all", cap: { ...DELETED } };
  deleted.step = DELETED;
  await makeProject(server, deleted, "emptied", DELETED);
  const month = await open(
    "month",
    { body: { background: true }, budget: { scope: "user", period: "month", cap: { ...MONTH } }, isHalved: true },
    { month: { max_total_tokens: MONTH.tokens, max_cost_usd: MONTH.usd } },
  );
  const run = await open("run", { runCap: RUN, body: { max_total_tokens: RUN.tokens, max_cost_usd: RUN.usd } });
  const agent = await open("agent", { runCap: { tokens: 80_000 }, body: { agent_id: "frugal" } });
  const fallback_models = ["second", "third"];
  await makeAgent(server, agent, { name: "Frugal", fallback_models, max_total_tokens: 80_000 });
  const asking = await open("asking", { runCap: { tokens: RAISED }, body: { agent_id: "asking" } });
  await makeAgent(server, asking, { name: "Asking", max_total_tokens: ASKING, on_cap: "ask" });
  const guests = await open("guest", { hasGuests: true });
  return [day, projects, deleted, month, run, agent, asking, guests];
}

async function openScene(
  server: Server,
  receiver: string,
  name: string,
  caps: object | null,
  given: Partial<Scene>,
): Promise<Scene> {
  const { user_id, key } = await makeUser(server, name);
  if (caps !== null) await server.json("PATCH", `/v1/users/${user_id}`, { caps });
  const webhook = { url: `${receiver}/${user_id}`, events: ["budget.warning", "budget.reached"] };
  await server.json("POST", "/v1/webhooks", webhook, key);
  const usual = { body: {}, runCap: {}, budget: null, project_id: null };
  const scene = { name, key, user_id, ...usual, deletes: false, isHalved: false, hasGuests: false, ...given };
  return { ...scene, step: { ...scene.budget?.cap } };
}

async function makeProject(server: Server, scene: Scene, project_id: string, { usd }: CapOf): Promise<void> {
  await server.json("POST", "/v1/projects", { project_id, name: project_id, max_cost_usd: usd }, scene.key);
  scene.project_id = project_id;
}

async function makeAgent(server: Server, { body, key }: Scene, agent: object): Promise<void> {
  await server.json("POST", "/v1/agents", { agent_id: body.agent_id, ...agent }, key);
}

export async function makeUser(server: Server, name: string): Promise<{ user_id: string; key: string }> {
  const made = await server.json<{ user_id: string; api_key: string }>("POST", "/v1/users", { name });
  return { user_id: made.user_id, key: made.api_key };
}

/** Raises the cap of a scene, or sets half of it. The checks know the highest one before the server does. */
export async function changeCap(server: Server, { budget, step, ...scene }: Scene, isHalved = false): Promise<void> {
  if (budget === null) return;
  const { cap, period } = budget;
  if (!isHalved) {
    if (cap.tokens !== undefined) cap.tokens += step.tokens ?? 0;
    if (cap.usd !== undefined) cap.usd += step.usd ?? 0;
  }
  const share = isHalved ? 0.5 : 1;
  const caps = {
    ...(cap.tokens === undefined ? {} : { max_total_tokens: Math.ceil(cap.tokens * share) }),
    ...(cap.usd === undefined ? {} : { max_cost_usd: cap.usd * share }),
  };
  if (budget.scope === "user") await server.json("PATCH", `/v1/users/${scene.user_id}`, { caps: { [period]: caps } });
  else await server.json("PATCH", `/v1/projects/${scene.project_id}`, caps, scene.key);
}
