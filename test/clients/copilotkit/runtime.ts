// CopilotKit's runtime as its documents start it: one process between its pages and the agent, which is Taskloom's AG-UI
// route. The key stays in this process.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpAgent } from "@ag-ui/client";
import { type AgentRunner, CopilotRuntime } from "@copilotkit/runtime/v2";
import { createCopilotNodeListener } from "@copilotkit/runtime/v2/node";

export interface Runtime {
  url: string;
  close(): Promise<void>;
}

/** Without a runner it remembers threads in its own memory. */
export async function startRuntime(
  addresses: Record<string, string>,
  key: string,
  runner?: AgentRunner,
): Promise<Runtime> {
  const headers = { authorization: `Bearer ${key}` };
  const agents = Object.fromEntries(
    Object.entries(addresses).map(([name, url]) => [name, new HttpAgent({ url, headers })]),
  );
  const runtime = new CopilotRuntime({ agents, ...(runner && { runner }) });
  const server = createServer(createCopilotNodeListener({ runtime, basePath: "/api/copilotkit", cors: true }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/copilotkit`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
