/**
 * A terminal's client that reads nothing: like the daemon, the server drops it, and the shell continues for others.
 */
import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { apiKey, eventually, type Fixture, openPty, startFixture } from "./daytona-fixture.ts";

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});

afterAll(() => fixture.dispose());

it("drops a client that leaves 256 pieces unread, and continues for others", async () => {
  const sandbox = await fixture.client.create();
  const handle = await openPty(sandbox, { id: "flood", onData: () => {} });
  const address = `ws://127.0.0.1:${fixture.server.port}/toolbox/${sandbox.id}/process/pty/flood/connect`;
  const dial = (): WebSocket => new WebSocket(address, { headers: { authorization: `Bearer ${apiKey}` } });
  const [deaf, reader] = [dial(), dial()];
  let bytes = 0;
  reader.on("message", (data) => {
    bytes += (data as Buffer).length;
  });
  await Promise.all([once(deaf, "message"), once(reader, "message")]);
  deaf.pause();
  const closed = once(deaf, "close");
  await handle.sendInput("yes $(head -c 4000 /dev/zero | tr '\\0' x)\n");
  // More than the queue and the kernel hold for the one that reads nothing.
  await eventually(async () => bytes > 40_000_000);
  deaf.resume();
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([1008, "slow consumer"]);
  expect(reader.readyState).toBe(WebSocket.OPEN);
  reader.terminate();
  await handle.kill();
});
