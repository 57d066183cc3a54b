// The Daytona sandbox in workerd, where the SDK works differently (fetch for HTTP, buffered transfers).
import { env } from "cloudflare:workers";
import { Daytona } from "@daytonaio/sdk";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";
import { labels } from "../contract/sandbox-port/fixture.ts";
import { describeSandbox } from "../contract/sandbox-port/suite.ts";

const api_key = env.DAYTONA_API_KEY ?? "";
const api_url = env.DAYTONA_API_URL ?? "";

describeSandbox("Daytona in workerd", async () => {
  const client = new Daytona({ apiKey: api_key, apiUrl: api_url, target: "local", useDeprecatedPolling: true });
  // All test files of the worker project share the server.
  const named = (name: string) => `sandbox-contract-${name}`;
  return {
    open: (name) => {
      const states: { state: string; message: string }[] = [];
      const settings = {
        api_key,
        api_url,
        target: null,
        snapshot: null,
        name: named(name),
        labels,
        onState: (state: string, message: string) => states.push({ state, message }),
        limits: { port_ms: 3_000 },
      };
      return { sandbox: createDaytonaSandbox(settings), workspace: createDaytonaWorkspace(settings), states };
    },
    stop: async (name) => (await client.get(named(name))).stop(),
    remove: async (name) => (await client.get(named(name))).delete(60, true),
    // workerd resolves the links' hosts below `localhost` with the system's resolver, which may fail; the Node tests
    // visit them.
    visit: null,
    own_port: 2280,
    close: async () => {
      for await (const sandbox of client.list()) if (sandbox.name.startsWith(named(""))) await sandbox.delete();
    },
  };
});
