// What the users of a scene do: they start a run, wait for its end, answer it where it asks, and delete it while it
// works.
import { setTimeout as wait } from "node:timers/promises";
import type { Run } from "../../../src/protocol/run.ts";
import { pickNumber, type Random } from "../aims.ts";
import type { Server } from "../server.ts";
import { changeCap, GUEST, makeUser, RAISED, type Scene } from "./scenes.ts";

const POLL_MS = 150;
/** Within a run, which takes some seconds. */
const DELETE_AFTER_MS = [200, 5_000] as const;
const DELETED_SHARE = 0.5;

export interface Spent {
  /** The last run's; null if it was deleted with its thread or user. */
  end: Run | null;
  user_id: string;
}

export async function spend(server: Server, random: Random, scene: Scene, id: string, signal: AbortSignal) {
  if (scene.hasGuests) return await spendAsGuest(server, random, id, signal);
  if (scene.isHalved && random() < 0.2) await changeCap(server, scene, true);
  await start(server, scene, id);
  if (scene.deletes && random() < DELETED_SHARE) {
    await wait(pickNumber(random, ...DELETE_AFTER_MS), undefined, { signal });
    await server.json("DELETE", `/v1/threads/${id}`, undefined, scene.key).catch(ignore(404));
    return { end: null, user_id: scene.user_id };
  }
  let end = await untilEnd(server, scene, id, id, signal);
  for (let turn = 1; end.status === "interrupted"; turn++) {
    // A raised cap is enough for most, and is raised no second time.
    const payload = turn === 1 ? { approved: true, max_total_tokens: RAISED } : { approved: false };
    const resume = [{ interrupt_id: end.interrupts[0]?.id, status: "resolved", payload }];
    const invocation_id = `${id}a${turn}`;
    const path = `/v1/threads/${id}/runs/${end.invocation_id}/resume`;
    await server.json("POST", path, { resume, invocation_id }, scene.key);
    end = await untilEnd(server, scene, id, invocation_id, signal);
  }
  const scope = end.error?.cap?.scope;
  // The next ones find it reached, too.
  if ((scope === "user" || scope === "project") && random() < 0.6) await changeCap(server, scene);
  return { end, user_id: scene.user_id };
}

/** The user is disabled during the run, or not, and deleted in any case. */
async function spendAsGuest(server: Server, random: Random, id: string, signal: AbortSignal): Promise<Spent> {
  const { user_id, key } = await makeUser(server, id);
  const caps = { day: { max_total_tokens: GUEST.tokens } };
  await server.json("PATCH", `/v1/users/${user_id}`, { caps });
  await start(server, { key, project_id: null, body: {} }, id);
  await wait(pickNumber(random, ...DELETE_AFTER_MS), undefined, { signal });
  if (random() < 0.5) {
    await server.json("PATCH", `/v1/users/${user_id}`, { disabled: true });
    await wait(pickNumber(random, ...DELETE_AFTER_MS), undefined, { signal });
  }
  await server.json("DELETE", `/v1/users/${user_id}`).catch(ignore(404));
  return { end: null, user_id };
}

export async function untilDeleted(server: Server, user_id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await server.json("DELETE", `/v1/users/${user_id}`).catch(ignore(404));
    const user = await server.json<{ state: string }>("GET", `/v1/users/${user_id}`).catch(ignore(404));
    if (user?.state !== "deleting") return;
    await wait(POLL_MS, undefined, { signal });
  }
}

async function start(server: Server, scene: Pick<Scene, "key" | "project_id" | "body">, id: string): Promise<void> {
  const project = scene.project_id === null ? {} : { project_id: scene.project_id };
  // The first answer may have been lost with the process that gave it.
  await server.json("POST", "/v1/threads", { thread_id: id, ...project }, scene.key).catch(ignore(409));
  const message = `budget ${id}: please do the whole work.`;
  const body = { message, message_id: `${id}-said`, invocation_id: id, model: `first-${id}`, ...scene.body };
  await server.json("POST", `/v1/threads/${id}/runs`, body, scene.key);
}

async function untilEnd(server: Server, { key }: Scene, thread: string, id: string, signal: AbortSignal): Promise<Run> {
  for (;;) {
    const run = await server.json<Run>("GET", `/v1/threads/${thread}/runs/${id}`, undefined, key);
    if (run.status !== "running" && run.status !== "queued") return run;
    await wait(POLL_MS, undefined, { signal });
  }
}

function ignore(status: number): (error: unknown) => null {
  return (error) => {
    if (!String(error).includes(` ${status} `)) throw error;
    return null;
  };
}
