// Every operation of the description is asked through Prism, which refuses a request or an answer that is not as
// described, and succeeds.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { made } from "../steps.ts";
import { walkTriggers, walkWebhooks } from "./automation.ts";
import { createEventCheck } from "./events.ts";
import { walkPeople } from "./people.ts";
import { walkProjects } from "./projects.ts";
import { walkSlack } from "./slack.ts";
import type { Stage } from "./stage.ts";
import { createWalker } from "./walker.ts";
import { walkAgain, walkAgents, walkThreads } from "./work.ts";

export interface Walked {
  wrong: string[];
  reached: number;
  /** Operations that this machine can't reach. */
  skipped: string[];
}

export async function walk(stage: Stage): Promise<Walked> {
  const { taskloom, prism, relay } = stage;
  let key = taskloom.key;
  const walker = createWalker({ prism, relay, key: () => key });
  const { ask, wrong, reached } = walker;
  const description = JSON.parse(await readFile(join(made, "openapi.json"), "utf8"));
  const check = createEventCheck(description, wrong);
  await walkServer();
  await walkPeople(walker, stage);
  key = String((await ask("POST /v1/api-keys", { body: { name: "walker" } })).body.key);
  const parts: [string, () => Promise<void>][] = [
    ["threads", () => walkThreads(walker, check)],
    ["again", () => walkAgain(walker, check)],
    ["agents", () => walkAgents(walker, check)],
    ["projects", () => walkProjects(walker, stage)],
    ["triggers", () => walkTriggers(walker)],
    ["webhooks", () => walkWebhooks(walker, stage)],
    ["slack", () => walkSlack(walker, stage)],
  ];
  await Promise.all(
    parts.map(([name, part]) => part().catch((error: unknown) => wrong.push(`${name}: ${(error as Error).stack}`))),
  );

  async function walkServer(): Promise<void> {
    for (const open of ["GET /healthz", "GET /openapi.json", "GET /docs"]) await ask(open, { key: null });
    await ask("GET /v1/server");
    await ask("GET /v1/server/runs", { query: { limit: "5" } });
    await ask("GET /v1/metrics");
    await ask("GET /v1/models");
    await ask("GET /v1/quotas");
    await ask("GET /v1/usage", { query: { days: "7" } });
    await ask("GET /v1/usage/users", { query: { limit: "5" } });
  }

  const paths = Object.entries(description.paths as Record<string, Record<string, unknown>>);
  const operations = paths.flatMap(([path, item]) => Object.keys(item).map((verb) => `${verb.toUpperCase()} ${path}`));
  const unreached = operations.filter((operation) => !reached.has(operation));
  const needIsolation = ["GET /v1/projects/{project_id}/sandbox/files/archive"];
  const skipped = unreached.filter((name) => taskloom.daytona.isolation === "none" && needIsolation.includes(name));
  const forgotten = unreached.filter((name) => !skipped.includes(name));
  return { wrong: [...wrong, ...forgotten.map((name) => `${name}: never succeeded`)], reached: reached.size, skipped };
}
