// An input that asks a turn again, or edits the person's message of it.
import { type Result, succeed } from "../../protocol/error.ts";
import { derivedId } from "../../protocol/ids.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { findRun, type Life } from "../life.ts";
import { findTurn, isReply } from "../supersede/turn.ts";

/** The run's id: that of the input, or the same for each request that asks for a reply again, or makes the same edit. */
export async function chooseId(life: Life, input: RunInput, hash: string): Promise<string> {
  const { invocation_id, supersede } = input;
  if (supersede?.is_unnamed !== true || life.removing) return invocation_id;
  const { message_id } = supersede;
  if (supersede.replaces) return await chooseEdit(life, invocation_id, message_id, hash);
  const { user_id, thread_id } = life.thread;
  if (!isReply(life.database.sql, message_id)) return invocation_id;
  return derivedId("inv", "regenerate", user_id, thread_id, message_id);
}

/**
 * `derived`: from the message and its new content. A message that keeps its id can be edited again, also to what it was
 * before. Then the same content is another run's.
 */
async function chooseEdit(life: Life, derived: string, message_id: string, hash: string): Promise<string> {
  const turn = findTurn(life.database.sql, message_id, { edit: true });
  const present = turn.ok && turn.value.invocation_id !== null ? findRun(life, turn.value.invocation_id) : null;
  const isDone = findRun(life, derived)?.start_seq != null;
  if (present === null || !isDone) return derived;
  const { invocation_id } = present.run;
  return present.hash === hash ? invocation_id : await derivedId("inv", "edit", derived, invocation_id);
}

/** The input as it is stored; the refusal if what it names can't be asked again or edited. */
export function checkSuperseding(life: Life, input: RunInput): Result<RunInput> {
  const { supersede } = input;
  if (supersede === undefined) return succeed(input);
  const { is_unnamed: _, ...rest } = supersede;
  const found = findTurn(life.database.sql, rest.message_id, { edit: rest.replaces });
  return found.ok ? succeed({ ...input, supersede: rest }) : found;
}
