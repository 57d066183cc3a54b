// Who spends, and under which caps: each scene is a user with some runs at once. The caps are small, so that runs reach
// them in every way, and still hold some runs.
import type { Server } from "../server.ts";
import type { CapOf } from "./checks.ts";

export interface Scene {
  name: string;
  key: string;
  user_id: string;
  /** The body of each run beside its message. */
  body: Record<string, unknown>;
  /** Of each run. */
  runCap: CapOf;
  /** Of all runs of the scene: the user's day, or a project. */
  budget: { scope: "user" | "project"; cap: CapOf } | null;
  project_id: string | null;
}

/** Some runs of about 25,000 tokens. */
const DAY: CapOf = { tokens: 1_500_000 };
const PROJECT: CapOf = { usd: 2 };
const RUN: CapOf = { tokens: 60_000, usd: 0.2 };

export async function openScenes(server: Server): Promise<Scene[]> {
  return [
    await openScene(server, "day", { day: { max_total_tokens: DAY.tokens } }, { budget: { scope: "user", cap: DAY } }),
    await openScene(server, "project", null, { budget: { scope: "project", cap: PROJECT } }),
    await openScene(server, "run", null, {
      runCap: RUN,
      body: { max_total_tokens: RUN.tokens, max_cost_usd: RUN.usd },
    }),
    await openScene(server, "agent", null, { runCap: { tokens: 80_000 }, body: { agent_id: "frugal" } }),
  ];
}

async function openScene(server: Server, name: string, caps: object | null, given: Partial<Scene>): Promise<Scene> {
  const { user_id, key } = await server.json<{ user_id: string; key: string }>("POST", "/v1/users", { name });
  if (caps !== null) await server.json("PATCH", `/v1/users/${user_id}`, { caps });
  const scene: Scene = { name, key, user_id, body: {}, runCap: {}, budget: null, project_id: null, ...given };
  if (scene.budget?.scope === "project") {
    const project = { project_id: "spent", name: "Spent", max_cost_usd: PROJECT.usd };
    await server.json("POST", "/v1/projects", project, key);
    scene.project_id = project.project_id;
  }
  if (scene.body.agent_id !== undefined) {
    const agent = { name: "Frugal", fallback_models: ["second", "third"], max_total_tokens: scene.runCap.tokens };
    await server.json("POST", "/v1/agents", { agent_id: scene.body.agent_id, ...agent }, key);
  }
  return scene;
}
