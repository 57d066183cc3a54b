// Asks the sandbox where the paths of a call lead, for an agent whose commands need approval: a repository may bring a
// link, so that `docs/config` is `.git/config`. One request before such a call; nothing for other agents.

import type { RunState } from "../../loop-state.ts";
import type { SandboxPlace } from "../../sandbox.ts";
import { askAboutWrite } from "../consent.ts";
import type { Prepared } from "../prepare.ts";
import { runTool } from "../run.ts";
import { newToolContext } from "../tool-context.ts";
import { findNamedWrite, findPlacedWrite, listGated } from "./unasked-writes.ts";

const LATE =
  "not executed: the sandbox did not say in time where the path leads, and a person may have to approve it. Try it again.";

/** A call that is ready may turn out to need a person's approval; of one that needs it anyway, the person has to know. */
export async function withPlaces(prepared: Prepared, state: RunState): Promise<Prepared> {
  const ready = prepared.kind === "asked" ? prepared.ready : prepared;
  if (ready?.kind !== "run" || state.input.grants.has(prepared.call.id)) return prepared;
  const { tool, input, call } = ready;
  const all = tool.writes?.(input) ?? [];
  const writes = listGated(all, state.input.agent);
  if (writes.length === 0 || findNamedWrite(all, state.input.agent) !== null) return prepared;
  let places: SandboxPlace[] | null = null;
  if (state.ports.sandbox.locate !== undefined) {
    const look = async (_input: unknown, { sandbox, signal }: Parameters<typeof tool.execute>[1]) => {
      places = (await sandbox.locate?.(writes, signal)) ?? null;
      return { content: "", is_error: false };
    };
    state.ports.storeHeld?.();
    const result = await runTool({ ...tool, execute: look }, input, newToolContext(call, state), state.ports);
    const isLate = result.details?.time_limit_ms !== undefined;
    if (result.is_error) return { kind: "answered", call, result: isLate ? { content: LATE, is_error: true } : result };
  }
  const asked = findPlacedWrite(writes, places);
  return asked === null ? prepared : { kind: "asked", call, question: askAboutWrite(tool, input, state, asked) };
}
