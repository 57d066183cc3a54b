// An input that asks a turn again, or edits the person's message of it.
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { derivedId } from "../../protocol/ids.ts";
import type { RunInput } from "../../protocol/thread.ts";
import type { Life } from "../life.ts";
import { findTurn, isReply } from "../supersede/turn.ts";

/** The run's id: that of the input, or the same for each request that asks for a reply again. */
export async function chooseId(life: Life, { invocation_id, supersede }: RunInput): Promise<string> {
  if (supersede?.is_unnamed !== true || supersede.replaces || life.removing) return invocation_id;
  const { user_id, thread_id } = life.thread;
  if (!isReply(life.database.sql, supersede.message_id)) return invocation_id;
  return derivedId("inv", "regenerate", user_id, thread_id, supersede.message_id);
}

/** The input with the message that its route brings; the refusal if what it names can't be asked again or edited. */
export function unfoldMessage(life: Life, input: RunInput): Result<RunInput> {
  const { supersede } = input;
  if (supersede === undefined) return succeed(input);
  const { message, is_unnamed: _, ...rest } = supersede;
  const found = findTurn(life.database.sql, rest.message_id, { edit: rest.replaces });
  if (!found.ok) return found;
  if (rest.replaces && message === undefined) return fail("empty_message", "There is no message to answer.");
  return succeed({ ...input, messages: message === undefined ? [] : [message], supersede: rest });
}
