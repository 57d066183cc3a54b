// The model of the guard, which does the same at the same moments on any machine. It answers when nothing else is under
// way (`isIdle`), and sends a reply in one piece, or each token when the one before has reached the client.
import { createServer, type ServerResponse } from "node:http";
import { closing, opening, stop, token, toolCall } from "../load/chunks.ts";
import { readOrder } from "../load/order.ts";
import { closeServer, listen, readBody } from "../targets/d1-proxy.ts";

export interface SteppedModel {
  /** The origin. */
  url: string;
  /** The client has seen so many tokens of the reply. */
  onTokens(seen: number): void;
  close(): void;
}

/** In an order, a `rate` of 1 wants each token alone, and 0 all in one piece. */
export async function startSteppedModel(isIdle: () => Promise<void>): Promise<SteppedModel> {
  let onTokens = (_: number): void => {};
  let calls = 0;
  const speakAlone = (response: ServerResponse, tokens: number): Promise<void> =>
    new Promise((resolve) => {
      onTokens = (seen) => void (seen >= tokens ? resolve() : response.write(token));
      response.write(token);
    });
  const answer = async (body: string, response: ServerResponse): Promise<void> => {
    const { order, results } = readOrder(body);
    await isIdle();
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (results < order.steps) {
      calls += 1;
      // Ids of one length, whatever the clock says.
      const id = `call_${String(calls).padStart(6, "0")}`;
      response.end(Buffer.concat([opening, ...toolCall(id, results), closing]));
      return;
    }
    response.write(opening);
    if (order.rate === 1) await speakAlone(response, order.tokens);
    const rest = order.rate === 1 ? [] : Array.from({ length: order.tokens }, () => token);
    response.end(Buffer.concat([...rest, stop, closing]));
  };
  const server = createServer(async (request, response) => answer(await readBody(request), response));
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, onTokens: (seen) => onTokens(seen), close: () => closeServer(server) };
}
