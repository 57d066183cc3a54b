// The Daytona sandbox in Node, over TCP to a Daytona-compatible server.
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";
import { labels } from "../contract/sandbox-port/fixture.ts";
import { describeSandbox } from "../contract/sandbox-port/suite.ts";
import { apiKey, startFixture, visit } from "./daytona-fixture.ts";

describeSandbox("Daytona in Node", async () => {
  const { server, client, dispose } = await startFixture({ apiKey });
  return {
    open: (name) => {
      const states: { state: string; message: string }[] = [];
      const settings = {
        api_key: apiKey,
        api_url: server.apiUrl,
        target: "local",
        snapshot: null,
        name,
        labels,
        onState: (state: string, message: string) => states.push({ state, message }),
        limits: { port_ms: 3_000 },
      };
      return { sandbox: createDaytonaSandbox(settings), workspace: createDaytonaWorkspace(settings), states };
    },
    stop: async (name) => (await client.get(name)).stop(),
    remove: async (name) => (await client.get(name)).delete(60, true),
    visit: async (url) => (await visit(url)).body,
    own_port: 2280,
    close: dispose,
  };
});
