// Introduces a sandbox to the thread's model: once, with the first result of a call that used it, and again when the
// sandbox was made anew or a summary has taken the introduction out. A look that fails or takes too long says nothing,
// and the next run tries again.

import type { ProjectPort } from "../../agent/checks/project/port.ts";
import { describeSandbox, quoteNotes } from "../../agent/context/environment.ts";
import type { Introduction, Sandbox } from "../../agent/sandbox.ts";
import { withinTime } from "../../lib/time-limit.ts";
import type { Life } from "../life.ts";

/** What a first result may have to wait for it. Usually it takes some 100 ms. */
const LOOK_MS = 4_000;

/** For one run. */
export function introducer(
  life: Life,
  sandbox: Sandbox,
  project: ProjectPort,
  signal: AbortSignal,
): () => Promise<Introduction | null> {
  let asked: string | null = null;
  return async () => {
    const known = life.state.knownSandbox;
    const introduced = life.environment.sandbox?.id ?? null;
    if (introduced === asked) asked = null;
    // Calls that run in parallel don't tell it twice.
    if (known === null || known === introduced || known === asked) return null;
    asked = known;
    const text = await look(life, sandbox, signal);
    // Its checks are read before the model has done much, and so are in the plan before it is worked on.
    if (project.known() === null && project.isThere()) await project.look().catch(() => null);
    return text === null ? null : { sandbox: known, text };
  };
}

async function look(life: Life, sandbox: Sandbox, signal: AbortSignal): Promise<string | null> {
  const end = new AbortController();
  const stop = () => end.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const looked = sandbox.readFacts?.(end.signal) ?? Promise.resolve(null);
    const facts = await withinTime(life.ports.clock, LOOK_MS, "the sandbox", looked);
    if (facts === null) return null;
    const notes = facts.notes === null ? [] : [quoteNotes(facts.notes)];
    const text = [describeSandbox(facts), ...notes].join("\n");
    return (await sandbox.hideSecrets?.(text, end.signal)) ?? text;
  } catch {
    return null;
  } finally {
    signal.removeEventListener("abort", stop);
    end.abort();
  }
}
