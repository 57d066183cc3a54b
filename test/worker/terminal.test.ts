// A terminal of the Daytona-compatible server in workerd, opened by the SDK, and by a plain `fetch` as our Worker does.
import { env } from "cloudflare:workers";
import { Daytona, type Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, expect, it } from "vitest";

const apiKey = env.DAYTONA_API_KEY ?? "";
const apiUrl = env.DAYTONA_API_URL ?? "";
const client = new Daytona({ apiKey, apiUrl, target: "local", useDeprecatedPolling: true });
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await client.create();
});

afterAll(() => sandbox.delete());

async function create(settings: Record<string, unknown>): Promise<void> {
  const response = await fetch(`${sandbox.toolboxProxyUrl}/${sandbox.id}/process/pty`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(settings),
  });
  expect([response.status, await response.text()]).toEqual([201, JSON.stringify({ sessionId: settings.id })]);
}

it("a terminal works with the SDK, which offers its version as a subprotocol in workerd", async () => {
  let shown = "";
  await create({ id: "sdk", envs: { GREETING: "hello" } });
  const handle = await sandbox.process.connectPty("sdk", {
    onData: (data) => {
      shown += new TextDecoder().decode(data);
    },
  });
  await handle.sendInput("echo $GREETING there; exit 3\n");
  expect(await handle.wait()).toEqual({ exitCode: 3, error: "non-zero exit" });
  expect(shown).toContain("hello there");
});

it("a terminal works with a fetch that requests an upgrade", async () => {
  await create({ id: "bare", cols: 90, rows: 20 });
  const address = `${sandbox.toolboxProxyUrl}/${sandbox.id}/process/pty/bare/connect`;
  const { status, headers, webSocket } = await fetch(address, {
    headers: {
      authorization: `Bearer ${apiKey}`,
      upgrade: "websocket",
      "sec-websocket-protocol": "X-Daytona-SDK-Version~0.218.0, X-Daytona-Pty-Exit-Control",
    },
  });
  expect([status, headers.get("sec-websocket-protocol")]).toEqual([101, "X-Daytona-SDK-Version~0.218.0"]);
  if (!webSocket) throw new Error("no socket");
  const controls: unknown[] = [];
  let shown = "";
  const closed = new Promise<CloseEvent>((resolve) => webSocket.addEventListener("close", resolve));
  webSocket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") controls.push(JSON.parse(data));
    else shown += new TextDecoder().decode(data as ArrayBuffer);
  });
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  webSocket.send("stty size; exit\n");
  const { code, reason } = await closed;
  expect(shown).toContain("20 90");
  expect(controls).toEqual([
    { type: "control", status: "connected" },
    { type: "control", status: "exited", exitCode: 0 },
  ]);
  expect([code, reason]).toEqual([1000, '{"exitCode":0}']);
});
