// A model of almost no cost: an OpenAI-compatible server in its own process that repeats one token, each as an HTTP
// chunk. The newest user message controls it: `[[tokens=50 rate=0 steps=0]]`. `rate` is in tokens per second, 0 is as
// fast as the socket accepts them; `steps` are tool calls before the text.
import { createServer, type ServerResponse } from "node:http";
import { closing, opening, stop, token, toolCall } from "./chunks.ts";
import { type Order, readOrder } from "./order.ts";

// How many chunks one stream sends before others get a turn.
const BURST = 64;

async function speak(response: ServerResponse, { tokens, rate }: Order): Promise<void> {
  if (rate > 0) return speakAtPace(response, tokens, rate);
  for (let sent = 0; sent < tokens; ) {
    const end = Math.min(tokens, sent + BURST);
    let drained = true;
    for (; sent < end; sent++) drained = response.write(token);
    await new Promise<void>((resolve) => (drained ? setImmediate(resolve) : response.once("drain", resolve)));
    if (response.destroyed) return;
  }
}

function speakAtPace(response: ServerResponse, tokens: number, rate: number): Promise<void> {
  const begun = performance.now();
  let sent = 0;
  return new Promise((resolve) => {
    const tick = (): void => {
      const due = Math.min(tokens, 1 + Math.floor(((performance.now() - begun) * rate) / 1000));
      for (; sent < due; sent++) response.write(token);
      if (sent >= tokens || response.destroyed) resolve();
      else setTimeout(tick, Math.max(1, begun + (sent * 1000) / rate - performance.now()));
    };
    tick();
  });
}

async function answer(body: string, response: ServerResponse): Promise<void> {
  const { order, results } = readOrder(body);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(opening);
  if (results < order.steps) {
    for (const chunk of toolCall(`call_${performance.now()}`, results)) response.write(chunk);
  } else {
    await speak(response, order);
    response.write(stop);
  }
  response.end(closing);
}

const server = createServer((request, response) => {
  response.on("error", () => {});
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => void answer(Buffer.concat(pieces).toString(), response));
});
// Connections outlive any pause of the bench: a new one would be measured as part of a turn.
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : 0 });
});
process.on("disconnect", () => process.exit());
