// Receives the requests that the Worker's wrapper makes before and after each batch for D1. A request that the watch
// rejects never gets a response: the process that made it is dead. One that it refuses fails the batch: before it, as if
// D1 were away; after it, as if D1's answer were lost.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Watch, WriteNotice } from "./moments.ts";

export interface Gate {
  url: string;
  close(): void;
}

type Answer = boolean | "refused";

export async function openGate(watch: (moment: Parameters<Watch>[0]) => Answer | Promise<Answer>): Promise<Gate> {
  const server = createServer((request, response) => {
    // A killed process may leave a request half sent.
    text(request).then(
      async (body) => {
        const { when, thread_id, ...kind } = JSON.parse(body) as WriteNotice;
        const answer = await watch({ kind: when, run: thread_id, ...kind });
        if (answer === "refused") response.statusCode = 503;
        if (answer !== false) response.end();
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
