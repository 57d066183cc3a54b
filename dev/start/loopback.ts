// Miniflare's own server in this process, which the runtime asks over loopback. It reads a request's address before it asks for
// its secret, and takes over the socket of an upgrade without listening for its errors: one request of anybody's would end the
// process, and each refused upgrade would keep its socket for ever. Nothing that we run upgrades there.
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";

/** To be called before Miniflare makes its server. */
export function mendLoopback(): void {
  const create = http.createServer.bind(http) as (listener?: RequestListener) => http.Server;
  http.createServer = ((listener?: RequestListener) => {
    const server = create(listener && refuseMalformed(listener));
    const listen = server.on.bind(server);
    // Without a listener Node answers an upgrade as the plain request that it also is.
    server.on = ((event: string, handler: () => void) =>
      event === "upgrade" ? server : listen(event, handler)) as typeof server.on;
    return server;
  }) as typeof http.createServer;
}

function refuseMalformed(listener: RequestListener) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (URL.canParse(request.url ?? "/", "http://localhost")) listener(request, response as never);
    else response.writeHead(400, { connection: "close" }).end();
  };
}
