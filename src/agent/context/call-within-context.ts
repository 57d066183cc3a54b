// A model call that fits. Before it the conversation is made shorter where it nears what the model reads, and again where
// the provider refuses it as too long: the older part gives way to a summary, or long messages are shown with less of them.
import { cutEnd } from "../../lib/truncate.ts";
import type { AssistantMessage, ChatMessage } from "../../protocol/message.ts";
import { type RunState, showRows, store } from "../loop-state.ts";
import type { ModelRequest } from "../model.ts";
import type { CallOutcome } from "../reply/call.ts";
import { callWithFallback, orderModels } from "../reply/fallbacks.ts";
import { calibrate, isNear, messageLimit, roomOf, shrink } from "./budget.ts";
import {
  chooseTail,
  fitLimit,
  isWorthSummary,
  LEAST_MESSAGE_TOKENS,
  MOST_SAID_TOKENS,
  sharesOf,
} from "./compaction.ts";
import { composeMessages, repairHistory } from "./history.ts";
import { shortenMessage } from "./shortening.ts";
import { collectSaid, composeSummary, keepSaid, type Summary } from "./summary.ts";
import { writeSummary } from "./summary-writer.ts";
import { estimateMessage, estimateText } from "./tokens.ts";

/** Each leaves three quarters of what was refused, so together less than a third of what was thought to fit. */
const MAX_REFUSALS = 3;
/** Of the room: what a summary's own request tells, beside its prompt and the reply. */
const TOLD_SHARE = 0.7;
/** As much as a list of runs shows of a result; each summary carries it on. */
const MOST_LAST_TEXT = 100_000;
/** Of the room, for the messages where no summary would help. */
const SHOWN_SHARE = 0.6;

/** One step's model call. `reminders` end the request and are not stored. */
export async function callWithinContext(state: RunState, reminders: string[]): Promise<CallOutcome> {
  const fixed = state.fixed_size + estimateText(reminders.join());
  for (let refusals = 0; ; refusals++) {
    if (isNear(roomOf(state.budget, fixed), state.size)) await makeShorter(state, fixed, refusals);
    if (state.ports.signal.aborted) return { kind: "cancelled", partial: null };
    const outcome = await callWithFallback(
      composeRequest(state, reminders),
      state.models,
      state.ports,
      state.usedCallIds,
    );
    const size = fixed + state.size;
    if (outcome.kind === "message") {
      state.budget = calibrate(state.budget, size, outcome.called.usage);
      return outcome;
    }
    if (outcome.kind === "cancelled" || !outcome.failure.too_long || refusals >= MAX_REFUSALS) return outcome;
    state.budget = shrink(state.budget, size);
  }
}

function composeRequest(state: RunState, reminders: string[]): ModelRequest {
  return {
    model: state.models.current,
    temperature: state.input.agent.temperature,
    messages: composeMessages(state.system, state.messages, reminders),
    tools: state.descriptions,
  };
}

async function makeShorter(state: RunState, fixed: number, refusals: number): Promise<void> {
  const room = roomOf(state.budget, fixed);
  const limit = messageLimit(state.input.context_tokens);
  const sizes = state.rows.map((row) => estimateMessage(shortenMessage(row, limit)));
  const from = chooseTail(state.rows, sizes, sharesOf(room).tail);
  const older = sizes.slice(0, from).reduce((sum, size) => sum + size, 0);
  if (from > 0 && isWorthSummary(older, room)) return await compact(state, { room, from, sizes });
  // The newest step is too long by itself. While it fits as it is, it stays as it is.
  if (state.size <= room) return;
  // Hundreds of calls may be too many in any form that still says something: better nothing of each than no call at all.
  const least = refusals > 1 ? 0 : LEAST_MESSAGE_TOKENS;
  limitMessages(state, fitLimit(sizes, room * SHOWN_SHARE - estimateSummary(state), least));
}

function estimateSummary({ summary }: RunState): number {
  return summary === null ? 0 : estimateMessage(summary.message);
}

/** Holds for the messages that there are; what comes is shown as usual. */
function limitMessages(state: RunState, tokens: number): void {
  state.limited = { count: state.rows.length, tokens };
  showRows(state);
}

/** The rows before `from` give way to a summary. Until it is stored nothing has changed, also for a next life. */
async function compact(
  state: RunState,
  { room, from, sizes }: { room: number; from: number; sizes: number[] },
): Promise<void> {
  const shares = sharesOf(room);
  const older = repairHistory(state.rows.slice(0, from));
  const request = {
    models: orderModels(state.models),
    before: state.summary?.text ?? "",
    messages: older,
    most_told: Math.floor(room * TOLD_SHARE),
    most_written: shares.text,
  };
  const written = await writeSummary(request, state.ports);
  if (written === null) return;
  // Kept is more than may be shown now: there may be more room the next time.
  const kept = keepSaid(
    {
      said: [...(state.summary?.said ?? []), ...collectSaid(older, state.input.answers)],
      omitted: state.summary?.omitted ?? 0,
    },
    MOST_SAID_TOKENS,
  );
  const { text } = written;
  const summary: Summary = {
    message: composeSummary({ ...keepSaid(kept, shares.said), text }, state.plan, shares),
    text,
    ...kept,
    last_text: cutEnd(findText(state, from), MOST_LAST_TEXT),
    kept: state.rows.length - from,
    message_limit: fitLimit(sizes.slice(from), shares.tail),
  };
  const message_id = state.ports.newMessageId();
  await store(state, { type: "context_compacted", message_id, summary, replaced: from, usage: written.usage });
  state.summary = summary;
  state.rows = state.rows.slice(from);
  state.limited = { count: summary.kept, tokens: summary.message_limit };
  // The calls of later lives are known from here on only, so all lives take new ids.
  state.usedCallIds = null;
  showRows(state);
}

/** The newest text of the model since a person spoke, in the part that is summarised. */
function findText({ rows, summary }: RunState, from: number): string {
  const older = rows.slice(0, from);
  const asked = older.findLastIndex((message) => message.role === "user");
  const isText = (message: ChatMessage): message is AssistantMessage =>
    message.role === "assistant" && Boolean(message.content?.trim());
  const text = older.slice(asked + 1).findLast(isText)?.content;
  return text ?? (asked < 0 ? (summary?.last_text ?? "") : "");
}
