// What a turn should do. The client writes it into the user's message, and the model reads it there.

export interface Order {
  tokens: number;
  /** Tokens per second; 0 is as fast as they are accepted. */
  rate: number;
  /** Tool calls before the text, one per model call. */
  steps: number;
}

export function writeOrder({ tokens, rate, steps }: Order): string {
  return `[[tokens=${tokens} rate=${rate} steps=${steps}]]`;
}

/**
 * Reads the newest order in a request's body, and how many tool results follow it. Does not parse JSON: threads grow
 * long.
 */
export function readOrder(body: string): { order: Order; results: number } {
  const at = body.lastIndexOf("[[tokens=");
  const [, tokens, rate, steps] = /^\[\[tokens=(\d+) rate=(\d+) steps=(\d+)\]\]/.exec(body.slice(at, at + 80)) ?? [];
  const order = { tokens: Number(tokens ?? 1), rate: Number(rate ?? 0), steps: Number(steps ?? 0) };
  return { order, results: body.slice(at).split('"role":"tool"').length - 1 };
}
