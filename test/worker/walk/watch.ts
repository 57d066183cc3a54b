// Watches over one user while others walk: no answer to them has anything of the user, and nothing of the user changes.
import { expect } from "vitest";
import { ADMIN_KEY_ID, DEFAULT_AGENT_ID, FIRST_USER_ID } from "../../../src/protocol/ids.ts";
import { type Case, casesOf, describeCase } from "./cases.ts";
import { type Snapshot, secretsIn, takeSnapshot } from "./snapshot.ts";
import { allOf, type Stage } from "./stage.ts";
import { findLeaks, MIN_CHARACTERS, type Reply } from "./walker.ts";
import type { World } from "./world.ts";

/**
 * What an answer may not have. `all`: anything of the user. `made`: what the server made, and the texts; not the ids
 * that the user chose, since the caller may have chosen the same.
 */
export type Hidden = "all" | "made";

export interface Watch {
  /** Asks, and throws if the answer has something of the user that the request did not have. */
  ask(asked: Case, key: string | null, hidden?: Hidden, method?: string): Promise<Reply>;
  /** The same of an answer to any other request. */
  check(reply: Reply, asked: Pick<Case, "named">, what: string, hidden?: Hidden): Reply;
  /** Throws if anything of the user has changed since the watch began. */
  expectUnchanged(): Promise<void>;
}

export async function watchOver(stage: Stage, world: World): Promise<Watch> {
  const { walker } = stage;
  // The first use of a key is noted in its row.
  await walker.send({ method: "GET", path: "/v1/users/me" }, world.key);
  await walker.settled();
  const secrets = secretsOf(world, await takeSnapshot(world.user_id));
  const before = await recordAll(stage, world);
  const check: Watch["check"] = (reply, asked, what, hidden = "all") => {
    const leaked = findLeaks(reply, asked, secrets[hidden]);
    if (leaked.length > 0) throw new Error(`${what}: the answer has ${leaked.join(", ")}\n${reply.text}`);
    return reply;
  };
  return {
    check,
    ask: async (asked, key, hidden, method = asked.operation.method) =>
      check(await walker.send({ ...asked, method }, key), asked, describeCase(asked), hidden),
    expectUnchanged: async () => expect(await recordAll(stage, world)).toEqual(before),
  };
}

/** Fails with what was asked and answered. The status must be documented too. */
export function expectStatus(asked: Case, { status, text }: Reply, statuses: number[]): void {
  if (statuses.includes(status) && asked.operation.statuses.includes(status)) return;
  throw new Error(`${describeCase(asked)}: ${status} instead of ${statuses.join(" or ")}\n${text}`);
}

/** Ids that mean the same for everybody, such as who made an account. */
const everybodys = [DEFAULT_AGENT_ID, FIRST_USER_ID, ADMIN_KEY_ID];

function secretsOf(world: World, snapshot: Snapshot): Record<Hidden, string[]> {
  const things = Object.values(world.things).flatMap((of) => Object.values(of));
  const known = new Set([world.mark, world.key, world.first_key, ...world.shown, ...secretsIn(snapshot), ...things]);
  const all = [...known].filter((text) => text.length >= MIN_CHARACTERS && !everybodys.includes(text));
  return { all, made: all.filter((text) => !text.includes(world.suffix)) };
}

/** The answer without the id of its request. */
export function withoutRequest(text: string): string {
  return text.replace(/"request_id":"[^"]+"/, "");
}

/** An object that slept while others were walked continues after the numbers that its former life had reserved. */
function withoutEventIds(text: string): string {
  return text.replaceAll(/^id: \d+$/gm, "id:");
}

/** Reads that change without anybody's doing, or cost much. */
const unsteady = [
  // Counts the readers of streams.
  "GET /v1/threads/{thread_id}/diagnostics",
  // Lists what an admin tried, too.
  "GET /v1/audit",
  // Lists refused deliveries too, which anybody may send.
  "GET /v1/triggers/{trigger_id}/deliveries",
  // Counts tickets, which whoever has one uses up.
  "GET /v1/quotas",
  // The files are read one by one.
  "GET /v1/projects/{project_id}/sandbox/files/archive",
];

/** All that is stored of a user, and all that the user reads, the sandbox included. */
async function recordAll({ walker }: Stage, world: World): Promise<unknown> {
  await walker.settled();
  const read: Record<string, string> = {};
  for (const operation of walker.operations) {
    if (operation.method !== "GET" || operation.isOpen || unsteady.includes(operation.name)) continue;
    for (const asked of casesOf(operation, allOf(world.things.quiet))) {
      const { status, text } = await walker.ask(asked, world.key);
      read[describeCase(asked)] = `${status} ${withoutEventIds(withoutRequest(text))}`;
    }
  }
  return { stored: await takeSnapshot(world.user_id), read };
}
