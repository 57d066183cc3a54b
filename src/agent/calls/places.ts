// Asks the sandbox where the paths of a call lead, for an agent whose commands need approval: a repository may bring a
// link, so that `docs/config` is `.git/config`. One request before such a call; nothing for other agents.
import type { RunState } from "../loop-state.ts";
import { askAboutHidden } from "./consent.ts";
import { findHiddenCommand, findHiddenIn, needsPlaces } from "./hidden/hidden-commands.ts";
import type { Prepared } from "./prepare.ts";
import { runTool } from "./run.ts";
import { newToolContext } from "./tool-context.ts";

const NOT_TOLD =
  "not executed: the sandbox did not say in time where the path leads, and a person may have to approve it. Try it again.";

/** A call that is ready may turn out to need a person's approval; of one that needs it anyway, the person has to know. */
export async function withPlaces(prepared: Prepared, state: RunState): Promise<Prepared> {
  const ready = prepared.kind === "asked" ? prepared.ready : prepared;
  if (ready?.kind !== "run" || state.input.grants.has(prepared.call.id)) return prepared;
  const { tool, input, call } = ready;
  const { agent } = state.input;
  if (findHiddenCommand(tool.writes?.(input) ?? [], agent) !== null) return prepared;
  const writes = tool.writes?.(input) ?? [];
  if (!needsPlaces(writes, agent) || state.ports.sandbox.locate === undefined) return prepared;
  let asked: Prepared = prepared;
  const look = async (_input: unknown, { sandbox, signal }: Parameters<typeof tool.execute>[1]) => {
    const found = await sandbox.locate?.(
      writes.map(({ path }) => path),
      signal,
    );
    const hidden = found ? findHiddenIn(writes, found, agent) : null;
    if (hidden !== null) asked = { kind: "asked", call, question: askAboutHidden(tool, input, state, hidden) };
    return { content: "", is_error: false };
  };
  state.ports.storeHeld?.();
  const result = await runTool({ ...tool, execute: look }, input, newToolContext(call, state), state.ports);
  if (!result.is_error) return asked;
  const isLate = result.details?.time_limit_ms !== undefined;
  return { kind: "answered", call, result: isLate ? { content: NOT_TOLD, is_error: true } : result };
}
