// A spending that keeps its contract's books: what was reserved, which calls are open, and whether each was settled or
// given up once. Its caps are tokens, or whatever a test answers.
import type { ModelRequest } from "../../src/agent/model.ts";
import type { Allowance, PlannedCall, Spending } from "../../src/agent/spending.ts";
import type { Usage } from "../../src/protocol/run.ts";

export interface ReservedCall {
  call_id: string;
  planned: PlannedCall;
  /** Null without a cap. */
  max_output_tokens: number | null;
  /** The request that was made of it. */
  request: ModelRequest | null;
  end: "settled" | "uncounted" | "charged" | "free" | null;
}

/** Less is of no use for a reply. */
const MIN_REPLY_TOKENS = 1000;

export const overBudget: Allowance = { kind: "refused", error: { code: "budget", message: "The cap is reached." } };

export class CheckedSpending implements Spending {
  readonly calls: ReservedCall[] = [];
  /** What is said before each fact, in order with them if the run's log is given. */
  readonly expected: (PlannedCall | null)[] = [];
  /** What may be used in all, reservations included; null is no cap. */
  cap: number | null;
  /** In place of the cap; null leaves it to that. */
  answer: (call: PlannedCall, signal: AbortSignal) => Promise<Allowance | null> = async () => null;
  used = 0;

  constructor(cap: number | null = null) {
    this.cap = cap;
  }

  get open(): ReservedCall[] {
    return this.calls.filter(({ end }) => end === null);
  }

  async reserve(planned: PlannedCall, signal: AbortSignal): Promise<Allowance> {
    await Promise.resolve();
    if (signal.aborted) return { kind: "cancelled" };
    const answer = (await this.answer(planned, signal)) ?? this.#grant(planned);
    if (answer.kind !== "granted") return answer;
    const { call_id, max_output_tokens } = answer;
    this.calls.push({ call_id, planned, max_output_tokens, request: null, end: null });
    this.used += planned.input_tokens + (max_output_tokens ?? planned.output_tokens);
    return answer;
  }

  #grant({ input_tokens, output_tokens }: PlannedCall): Allowance {
    const call_id = `call_${this.calls.length + 1}`;
    if (this.cap === null) return { kind: "granted", call_id, max_output_tokens: null };
    const left = this.cap - this.used - input_tokens;
    if (left < MIN_REPLY_TOKENS) return overBudget;
    return { kind: "granted", call_id, max_output_tokens: Math.min(left, output_tokens) };
  }

  settle(call_id: string, usage: Usage | null): void {
    const call = this.#end(call_id, usage === null ? "uncounted" : "settled");
    if (usage !== null) this.used += usage.input_tokens + usage.output_tokens - worstOf(call);
  }

  giveUp(call_id: string, is_charged: boolean): void {
    const call = this.#end(call_id, is_charged ? "charged" : "free");
    if (!is_charged) this.used -= worstOf(call);
  }

  expect(call: PlannedCall | null): void {
    this.expected.push(call);
  }

  /** To be called with each request that reaches a model. Throws unless a reservation waits for it. */
  noteRequest(request: ModelRequest): ReservedCall {
    const call = this.open.find((each) => each.request === null && each.planned.model === request.model);
    if (call === undefined) throw new Error(`no call of ${request.model} is reserved`);
    call.request = request;
    return call;
  }

  #end(call_id: string, end: NonNullable<ReservedCall["end"]>): ReservedCall {
    const call = this.calls.find((each) => each.call_id === call_id);
    if (call === undefined) throw new Error(`${call_id} was never reserved`);
    if (call.end !== null) throw new Error(`${call_id} has ended already`);
    call.end = end;
    return call;
  }
}

function worstOf({ planned, max_output_tokens }: ReservedCall): number {
  return planned.input_tokens + (max_output_tokens ?? planned.output_tokens);
}
