// Values as today's code stores them, and what may stand in their place: one field gone or of another kind, or any JSON at all.
import fc from "fast-check";
import { MAX_HOPS } from "../../src/protocol/chain.ts";
import { type MessageBody, messageTypes, type UserContent } from "../../src/protocol/message.ts";
import type { PlanContent } from "../../src/protocol/plan/task.ts";
import { taskStatuses } from "../../src/protocol/plan/task.ts";
import { modelFailureReasons, type Run, runErrorCodes, runStatuses } from "../../src/protocol/run.ts";
import type { RunInput } from "../../src/protocol/thread.ts";

const text = fc.string({ unit: fc.constantFrom("a", "é", "电", "🛒", "\n", '"'), maxLength: 12 });
const id = fc.constantFrom("id_1", "id_2", "id_3");
const time = fc.constantFrom("2026-11-24T09:00:00.000Z", "2026-11-27T10:00:00.000Z");
const record = fc.dictionary(fc.constantFrom("a", "b"), fc.oneof(text, fc.nat(9), fc.boolean(), fc.constant(null)), {
  noNullPrototype: true,
});
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const image = fc.record({ type: fc.constant("image_url" as const), image_url: fc.record({ url: text }) });
const part = fc.oneof(fc.record({ type: fc.constant("text" as const), text }), image);
const userContent: fc.Arbitrary<UserContent> = fc.oneof(text, fc.array(part, { maxLength: 3 }));
const user = fc.record({ role: fc.constant("user" as const), content: userContent });
const call = fc.record({
  id,
  type: fc.constant("function" as const),
  function: fc.record({ name: text, arguments: text }),
});
const assistant = fc.record(
  { role: fc.constant("assistant" as const), content: orNull(text), tool_calls: fc.array(call, { maxLength: 3 }) },
  { requiredKeys: ["role", "content"] },
);
const tool = fc.record({ role: fc.constant("tool" as const), tool_call_id: id, content: text });
const planContent: fc.Arbitrary<PlanContent> = fc.record({
  sections: fc.array(fc.record({ id, title: text }), { maxLength: 2 }),
  tasks: fc.array(fc.record({ id, content: text, status: fc.constantFrom(...taskStatuses), section_id: id }), {
    maxLength: 3,
  }),
});
/** Most have no reason, and one of a later version may be unknown. */
const error = orNull(
  fc.record(
    {
      code: fc.constantFrom(...runErrorCodes),
      message: text,
      reason: fc.constantFrom(...modelFailureReasons, "of_a_later_version"),
    },
    { requiredKeys: ["code", "message"] },
  ),
);
const status = fc.record({ status: fc.constantFrom(...runStatuses), error, unfinished_tasks: fc.nat(9) });

export const messageType = fc.constantFrom(...messageTypes);
export const messageBody: fc.Arbitrary<MessageBody> = fc.oneof(
  fc.record({ type: fc.constantFrom("user" as const, "summary" as const), content: user }),
  fc.record({ type: fc.constant("assistant" as const), content: assistant }),
  fc.record({ type: fc.constant("tool" as const), content: tool }),
  fc.record({ type: fc.constant("task_list" as const), content: planContent }),
  fc.record({ type: fc.constant("status" as const), content: status }),
);

const cause = fc.record({ trigger_id: id, thread_id: orNull(id), invocation_id: orNull(id) });
const chain = fc.array(cause, { maxLength: MAX_HOPS }).map((caused_by) => ({ hops: caused_by.length, caused_by }));

export const run: fc.Arbitrary<Run> = fc
  .record({
    invocation_id: id,
    thread_id: id,
    project_id: id,
    user_id: id,
    agent_id: id,
    agent_version: fc.nat(9),
    model: text,
    instance_id: orNull(id),
    status: fc.constantFrom(...runStatuses),
    attempt: fc.nat(9),
    steps: fc.nat(9),
    background: fc.boolean(),
    resumes: orNull(id),
    metadata: record,
    usage: fc.record({
      input_tokens: fc.nat(9),
      cached_input_tokens: fc.nat(9),
      output_tokens: fc.nat(9),
      cost_usd: orNull(fc.constant(0.25)),
    }),
    result: orNull(fc.record({ text, unfinished_tasks: fc.nat(9) })),
    error,
    interrupts: fc.array(
      fc.record({
        id,
        reason: fc.constantFrom("question" as const, "approval" as const, "plan_approval" as const),
        message: text,
        tool_call_id: id,
        response_schema: record,
        expires_at: orNull(time),
      }),
      { maxLength: 2 },
    ),
    created_at: time,
    started_at: orNull(time),
    finished_at: orNull(time),
    chain,
  })
  .map(({ chain, ...rest }) => ({ ...rest, ...chain }));

export const runInput: fc.Arbitrary<RunInput> = fc.record(
  {
    user_id: id,
    thread_id: id,
    invocation_id: id,
    messages: fc.array(fc.record({ message_id: id, content: userContent }), { maxLength: 2 }),
    tool_results: fc.array(fc.record({ message_id: id, tool_call_id: id, content: text }), { maxLength: 2 }),
    from_history: fc.boolean(),
    resume: orNull(
      fc.array(
        fc.record({
          interrupt_id: id,
          status: fc.constantFrom("resolved" as const, "cancelled" as const),
          payload: text,
        }),
        { maxLength: 2 },
      ),
    ),
    agent_id: orNull(id),
    model: orNull(text),
    max_steps: orNull(fc.nat(9)),
    metadata: record,
    background: fc.boolean(),
    on_busy: fc.constantFrom("enqueue" as const, "steer" as const),
    title: orNull(text),
    answers_nothing: fc.boolean(),
    chain,
    client_tools: fc.array(fc.record({ name: text, description: text, parameters: record }), { maxLength: 1 }),
    context: fc.array(fc.record({ description: text, value: text }), { maxLength: 1 }),
  },
  {
    requiredKeys: [
      ...([
        "user_id",
        "thread_id",
        "invocation_id",
        "messages",
        "tool_results",
        "resume",
        "agent_id",
        "model",
      ] as const),
      ...(["max_steps", "metadata", "background", "on_busy", "client_tools", "context"] as const),
    ],
  },
);

/** Any JSON, and such a value of which one place, however deep, is gone or something else. */
export function damaged(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const broken = fc
    .tuple(
      value,
      fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
      fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }),
    )
    .map(([whole, path, other]) => breakAt(whole, path, other));
  return fc.oneof(fc.jsonValue({ maxDepth: 4 }), broken);
}

function breakAt(value: unknown, [place = 0, ...further]: number[], other: unknown): unknown {
  if (typeof value !== "object" || value === null) return other;
  const names = Object.keys(value);
  const name = names[place % Math.max(1, names.length)];
  if (name === undefined) return other;
  const member = further.length === 0 ? other : breakAt(Reflect.get(value, name), further, other);
  if (Array.isArray(value)) return value.toSpliced(Number(name), 1, ...(member === undefined ? [] : [member]));
  return { ...value, [name]: member };
}
