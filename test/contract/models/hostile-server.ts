// A model whose server answers what a test says, and how its work grows with what it sends.
import type { Model, ModelDelta, ModelOutcome, ModelRequest } from "../../../src/agent/model.ts";
import { models, type OpenAiOptions } from "../../../src/models/index.ts";

export const base_url = "http://127.0.0.1:9/v1";

type Body = { messages: Record<string, unknown>[]; [field: string]: unknown };
type Answer = (body: Body, at: number) => Response;

export const delta = (value: Record<string, unknown>, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: value, finish_reason }],
});
export const stream = (...chunks: unknown[]) =>
  new Response(`${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("")}data: [DONE]\n\n`, {
    headers: { "content-type": "text/event-stream" },
  });
export const say = (content: string, finish = "stop") => stream(delta({ content }), delta({}, finish));
export const refuse = (status: number, message: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ error: { message } }), { status, headers });

export const tool = (name: string) => ({ name, description: "d", parameters: { type: "object", properties: {} } });

export function open(answer: Answer, options: Partial<OpenAiOptions> = {}) {
  const sent: Body[] = [];
  const request = async (input: RequestInfo | URL, init?: RequestInit) => {
    sent.push((await new Request(input, init).json()) as Body);
    return answer(sent.at(-1) as Body, sent.length - 1);
  };
  const model = models.native({ api_key: "test-key-0123456789", base_url, fetch: request as typeof fetch, ...options });
  return { model, sent };
}

export async function ask(model: Model, request: Partial<ModelRequest> = {}, signal = new AbortController().signal) {
  const deltas: ModelDelta[] = [];
  const whole = { model: "m", messages: [{ role: "user" as const, content: "hi" }], tools: [tool("f")], ...request };
  const outcome = await model.stream(whole, (piece) => deltas.push(piece), signal);
  return { outcome, deltas, text: deltas.map((piece) => (piece.type === "text" ? piece.text : "")).join("") };
}

export const replyOf = (outcome: ModelOutcome) => {
  if (outcome.kind === "failure") throw new Error(outcome.failure.message);
  return outcome.reply;
};

/** Four times as much work takes four times as long, or sixteen where it is quadratic. */
export const LINEAR = 9;

/** Some systems count the processor's time in steps of 4 ms: what is measured takes many of them. */
const MIN_MEASURED_US = 40_000;

/**
 * How many times more of the processor's time four times the work takes. A clock on the wall would count what other
 * processes take of a busy machine, and the longer work waits for more of them. The shortest of some turns is compared.
 */
export async function growth(take: (count: number) => Promise<unknown>, count: number): Promise<number> {
  let times = 1;
  const time = async (size: number) => {
    const start = process.threadCpuUsage();
    for (let done = 0; done < times; done++) await take(size);
    const { user, system } = process.threadCpuUsage(start);
    return user + system;
  };
  while ((await time(count)) < MIN_MEASURED_US) times *= 2;
  const shortest = { one: Number.POSITIVE_INFINITY, four: Number.POSITIVE_INFINITY };
  for (let turn = 0; turn < 2; turn++) {
    shortest.one = Math.min(shortest.one, await time(count));
    shortest.four = Math.min(shortest.four, await time(count * 4));
  }
  return shortest.four / shortest.one;
}
