// Links to what runs in the sandbox.
import { z } from "zod";
import { lenientObject } from "../agent/calls/leniency.ts";
import { defineTool, type Tool } from "../agent/tool.ts";

// The first call of a run may have to create or start the sandbox.
const TIME_LIMIT_MS = 180_000;

export const portTools: Tool[] = [
  defineTool({
    name: "expose_port",
    description:
      "Get a link that a browser can open to what listens on a port of the sandbox. Start the server first, on 0.0.0.0, and see that it answers.",
    schema: lenientObject({ port: z.int().min(1).max(65_535) }),
    kind: "work",
    read_only: false,
    recovery: "repeat",
    time_limit_ms: TIME_LIMIT_MS,
    execute: async ({ port }, { sandbox, signal }) => {
      const { url, expires_at } = await sandbox.exposePort(port, signal);
      return {
        content: JSON.stringify({ url, expires_at }),
        is_error: false,
        details: { port, url, expires_at },
        preview: { port, url },
      };
    },
  }),
];
