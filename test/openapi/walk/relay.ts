// Stands between Prism and the server, for what Prism would not pass on: it follows redirects by itself, and joins
// cookies. The relay takes a redirect's address away and keeps what the server really answered, for the walk to read.
import { createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";

/** Names one request of the walk, so that its answer is found again. The server does not see it. */
export const MARK = "x-walk";

export interface Seen {
  status: number;
  location: string | null;
  cookies: string[];
}

export interface Relay {
  url: string;
  seen: Map<string, Seen>;
  close(): Promise<void>;
}

export async function startRelay(target: string): Promise<Relay> {
  const seen: Relay["seen"] = new Map();
  const server = createServer((request, response) => {
    const { [MARK]: mark, ...headers } = request.headers;
    const to = new URL(request.url ?? "/", target).href;
    // With the relay's own host: the addresses that the server makes lead back here.
    const onward = send(to, { method: request.method, headers }, (answer) => {
      const { location = null, ...rest } = answer.headers;
      const status = answer.statusCode ?? 0;
      if (typeof mark === "string") seen.set(mark, { status, location, cookies: answer.headers["set-cookie"] ?? [] });
      response.writeHead(status, rest);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
