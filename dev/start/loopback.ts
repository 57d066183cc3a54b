// Makes Miniflare's own server in this process safe; the runtime requests it over loopback. That server parses a
// request's URL before it checks its secret, and takes over the socket of an upgrade without handling its errors. So
// any program's request could end the process, and each rejected upgrade would keep its socket for ever. Nothing that
// we run upgrades there.
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";

/** Must be called before Miniflare creates its server. */
export function patchLoopback(): void {
  const create = http.createServer.bind(http) as (listener?: RequestListener) => http.Server;
  http.createServer = ((listener?: RequestListener) => {
    const server = create(listener && refuseMalformed(listener));
    const listen = server.on.bind(server);
    // Without a listener Node handles an upgrade as the plain request that it also is.
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
