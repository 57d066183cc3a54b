// A model call that fits into the model's context. The conversation is shortened before the call if it comes near the
// limit, and again if the provider refuses it as too long: a summary replaces the older part, or long messages are cut.
import { cutEnd } from "../../lib/truncate.ts";
import type { AssistantMessage, ChatMessage } from "../../protocol/message.ts";
import type { Usage } from "../../protocol/run.ts";
import { type RunState, store } from "../loop-state.ts";
import type { ModelMessage, ModelRequest } from "../model.ts";
import type { CallOutcome } from "../reply/call.ts";
import { callWithFallback, orderModels } from "../reply/fallbacks.ts";
import type { PlannedCall } from "../spending.ts";
import { calibrate, isNear, measureScale, messageLimit, replyTokens, roomOf, shrink } from "./budget.ts";
import { chooseTail, fitLimit, isWorthSummary, MAX_SAID_TOKENS, MIN_MESSAGE_TOKENS, sharesOf } from "./compaction.ts";
import type { Conversation } from "./conversation.ts";
import { boundRoom } from "./crowd.ts";
import { repairHistory } from "./history.ts";
import { planNextCall } from "./planned-call.ts";
import { withoutPreambles } from "./preamble.ts";
import { shortenMessage } from "./shortening.ts";
import { collectSaid, composeSummary, keepSaid, type Summary } from "./summary.ts";
import { writeSummary } from "./summary-writer.ts";
import { estimateMessage, estimateText, noteMeasure } from "./tokens.ts";

/** Each refusal leaves three quarters of the request, so three leave less than half of it. */
const MAX_REFUSALS = 3;
/** The share of the room for the input of a summary's own request. The rest is for its prompt and the reply. */
const SUMMARY_INPUT_SHARE = 0.7;
/** As much as a list of runs shows of a result. Each summary carries it along. */
const MAX_LAST_TEXT_CHARACTERS = 100_000;
/** As many as a run lists of its sources. Fewer where they take more than their share of the room. */
const MAX_LISTED_SOURCES = 100;
/** The share of the room for the messages when no summary would help. */
const SHOWN_SHARE = 0.6;

/** Makes one step's model call. `reminder` comes last in the request and is not stored. */
export async function callWithinContext(state: RunState, reminder: string | null): Promise<CallOutcome> {
  const fixed = state.fixed_size + estimateText(reminder ?? "");
  for (let refusals = 0; ; refusals++) {
    if (isNear(roomWithin(state, fixed), state.conversation.size)) await makeShorter(state, fixed, refusals);
    if (state.ports.signal.aborted) return { kind: "cancelled", partial: null };
    const outcome = await callWithFallback(
      { ...composeRequest(state), reminder },
      state.models,
      { ...state.ports, model: state.model },
      state.conversation.callIds,
    );
    const size = fixed + state.conversation.size;
    if (outcome.kind === "message") {
      noteCount(state, size, outcome.called.usage);
      return outcome;
    }
    if (outcome.kind !== "failed" || !outcome.failure.too_long || refusals >= MAX_REFUSALS) return outcome;
    state.budget = shrink(state.budget, size);
  }
}

/** What the model reads, and no more than the isolate can hold of this conversation. */
function roomWithin({ budget, conversation, place }: RunState, fixed: number): number {
  return boundRoom(roomOf(budget, fixed), conversation, place.limit(conversation.bytes));
}

/** What the provider of the current model has counted for a request of `size` tokens by our estimate. */
function noteCount(state: RunState, size: number, usage: Usage | null): void {
  state.budget = calibrate(state.budget, size, usage);
  const { scales, models, conversation } = state;
  // A count with images in it says nothing about text.
  const scale = conversation.images.length > 0 ? null : measureScale(size, usage);
  // The largest that was measured: a count may leave out what was cached, and the next request may find no cache.
  if (scale !== null) scales.set(models.current, Math.max(scale, scales.get(models.current) ?? 0));
}

/** What the model call after a fact may use at most, if `more` is all that comes to the conversation until then. */
export function foreseeCall(state: RunState, more: readonly ModelMessage[]): PlannedCall {
  const limit = messageLimit(state.input.context_tokens);
  const shown = more.map((message) => shortenMessage(message, limit));
  return planNextCall(composeRequest(state), shown, state.scales, state.input.agent.tool_format);
}

function composeRequest(state: RunState): ModelRequest {
  const { system, conversation } = state;
  const messages = [system, ...conversation.messages];
  noteMeasure(messages, { tokens: estimateMessage(system) + conversation.size, images: conversation.images });
  return {
    model: state.models.current,
    temperature: state.input.agent.temperature,
    messages,
    tools: state.descriptions,
    max_output_tokens: replyTokens(state.input.context_tokens),
    options: state.input.agent.model_options,
  };
}

async function makeShorter(state: RunState, fixed: number, refusals: number): Promise<void> {
  const room = roomWithin(state, fixed);
  const limit = messageLimit(state.input.context_tokens);
  const { rows } = state.conversation;
  const sizes = rows.map((row) => estimateMessage(shortenMessage(row, limit)));
  const from = chooseTail(rows, sizes, sharesOf(room).tail);
  const older = sizes.slice(0, from).reduce((sum, size) => sum + size, 0);
  if (from > 0 && isWorthSummary(older, room)) return await compact(state, { room, from, sizes });
  // The newest step is too long by itself. It stays as it is if it fits. In memory it stays in any case.
  if (state.conversation.size <= roomOf(state.budget, fixed)) return;
  // Hundreds of calls may be too many at any useful length. It is better to show nothing of each than to make no call
  // at all.
  const least = refusals > 1 ? 0 : MIN_MESSAGE_TOKENS;
  state.conversation.limitRows(fitLimit(sizes, room * SHOWN_SHARE - estimateSummary(state), least));
}

function estimateSummary({ conversation: { summary } }: RunState): number {
  return summary === null ? 0 : estimateMessage(summary.message);
}

/** Replaces the rows before `from` by a summary. Nothing changes until it is stored, for the next life neither. */
async function compact(
  state: RunState,
  { room, from, sizes }: { room: number; from: number; sizes: number[] },
): Promise<void> {
  const shares = sharesOf(room);
  const { conversation } = state;
  const { rows, summary: former } = conversation;
  const replaced = rows.slice(0, from);
  const older = repairHistory(withoutPreambles(replaced));
  const request = {
    models: orderModels(state.models),
    before: former?.text ?? "",
    messages: older,
    max_input_tokens: Math.floor(room * SUMMARY_INPUT_SHARE),
    max_output_tokens: shares.text,
    options: state.input.agent.model_options,
  };
  const written = await writeSummary(request, { ...state.ports, model: state.model });
  if (written === null) return;
  // Keeps more than the model sees now, since there may be more room next time.
  const kept = keepSaid(
    {
      said: [...(former?.said ?? []), ...collectSaid(older, state.input.answers)],
      omitted: former?.omitted ?? 0,
    },
    MAX_SAID_TOKENS,
  );
  const { text } = written;
  const read = state.ports.sources.listRead(MAX_LISTED_SOURCES);
  const summary: Summary = {
    message: composeSummary({ ...keepSaid(kept, shares.said), text }, state.plan, read, shares),
    text,
    ...kept,
    last_text: cutEnd(findText(conversation, from), MAX_LAST_TEXT_CHARACTERS),
    kept: rows.length - from,
    message_limit: fitLimit(sizes.slice(from), shares.tail),
  };
  const message_id = state.ports.newMessageId();
  await store(state, { type: "context_compacted", message_id, summary, replaced: from, usage: written.usage });
  conversation.compact(summary, from);
}

/** The model's newest text since a person last spoke, in the part that is summarized. */
function findText({ rows, summary }: Conversation, from: number): string {
  const older = rows.slice(0, from);
  const asked = older.findLastIndex((message) => message.role === "user");
  const isText = (message: ChatMessage): message is AssistantMessage =>
    message.role === "assistant" && Boolean(message.content?.trim());
  const text = older.slice(asked + 1).findLast(isText)?.content;
  return text ?? (asked < 0 ? (summary?.last_text ?? "") : "");
}
