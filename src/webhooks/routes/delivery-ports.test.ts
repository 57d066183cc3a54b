// Through which network a delivery is sent.
import { afterEach, expect, it, vi } from "vitest";
import type { Env } from "../../config.ts";
import { deliveryPorts } from "./delivery-ports.ts";

afterEach(() => void vi.unstubAllGlobals());

/** Which network got the request. */
async function sendWith(settings: Partial<Env>): Promise<string> {
  vi.stubGlobal("fetch", async () => new Response("any"));
  const { fetch: send } = deliveryPorts({ ...settings } as Env);
  return (await send("https://hooks.example.com/", { method: "POST" })).text();
}

const PUBLIC_NETWORK = { fetch: async () => new Response("public") } as unknown as Fetcher;

it("is the one for public addresses, where there is one and the operator permits no private addresses", async () => {
  expect(await sendWith({ PUBLIC_NETWORK })).toBe("public");
  expect(await sendWith({ PUBLIC_NETWORK, ALLOW_PRIVATE_URLS: "1" })).toBe("any");
  expect(await sendWith({})).toBe("any");
});
