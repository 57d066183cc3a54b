// A program in a sandbox that reports the requests it receives and answers in every way that a proxy can get wrong.
export const previewProgram = `
const { createServer } = require("node:http");
const { createHash } = require("node:crypto");
const { gzipSync } = require("node:zlib");
const zipped = gzipSync("x".repeat(1000));
let closed = 0;
const sendJson = (response, value) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
};
const routes = {
  "/echo": (request, response) => {
    response.setHeader("x-length", request.headers["content-length"] ?? "none");
    request.pipe(response);
  },
  "/stream": (request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\\n\\n");
    // A client that has left is noticed at the next write.
    const timer = setInterval(() => response.write(": still here\\n\\n"), 50);
    response.on("close", () => { closed += 1; clearInterval(timer); });
  },
  "/closed": (request, response) => sendJson(response, closed),
  "/redirect": (request, response, url) => {
    response.writeHead(302, { location: url.searchParams.get("to") });
    response.end();
  },
  "/cookies": (request, response) => {
    response.setHeader("set-cookie", [
      "a=1; Domain=localhost; Path=/; Secure; SameSite=None",
      "b=2; HttpOnly",
      "daytona-sandbox-auth-x=1",
    ]);
    response.end("set");
  },
  "/zipped": (request, response) => {
    response.writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip" });
    response.end(zipped);
  },
  "/part": (request, response) => {
    response.writeHead(206, { "content-range": "bytes 0-3/10", "content-length": "4", "x-range": request.headers.range });
    response.end("part");
  },
  "/long": (request, response) => {
    response.setHeader("x-long", "x".repeat(20000));
    response.end(request.headers["x-long"]);
  },
  "/none": (request, response) => { response.writeHead(204); response.end(); },
  "/unchanged": (request, response) => { response.writeHead(304, { etag: '"1"' }); response.end(); },
  "/login": (request, response) => { response.writeHead(401, { "www-authenticate": "Basic" }); response.end("who?"); },
  "/own502": (request, response) => { response.writeHead(502); response.end("my own"); },
  "/head": (request, response) => { response.writeHead(200, { "content-length": "1234" }); response.end(); },
  "/page": (request, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<title>shop</title><script>document.cookie = "seen=1"; document.title = "ran " + location.host;</script>');
  },
};
const server = createServer({ maxHeaderSize: 100000 }, (request, response) => {
  const url = new URL(request.url, "http://program");
  const route = routes[url.pathname];
  if (route) return route(request, response, url);
  const { method, url: path, headers } = request;
  sendJson(response, { method, path, headers });
});
server.on("upgrade", (request, socket) => {
  if (request.url === "/refused") return socket.end("HTTP/1.1 403 Forbidden\\r\\ncontent-length: 2\\r\\n\\r\\nno");
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const protocol = request.headers["sec-websocket-protocol"];
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
    "Sec-WebSocket-Accept: " + createHash("sha1").update(key).digest("base64") + "\\r\\n" +
    (protocol ? "Sec-WebSocket-Protocol: " + protocol.split(",")[0] + "\\r\\n" : "") + "\\r\\n");
  // Echoes short masked text frames, the only kind that the test sends.
  socket.on("data", (frame) => {
    if ((frame[0] & 15) !== 1) return socket.end(Buffer.from([0x88, 0]));
    const text = Buffer.from(frame.subarray(6, 6 + (frame[1] & 127)));
    for (let place = 0; place < text.length; place++) text[place] ^= frame[2 + (place % 4)];
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
  });
});
server.listen(3000, "127.0.0.1");
`;
