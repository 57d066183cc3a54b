// Prism as a proxy that refuses what the description does not allow, in requests and in answers.
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findFreePort } from "../../setup/started-server.ts";
import { folder, made, tool } from "../steps.ts";

export interface Prism {
  url: string;
  /** What it said, for a failure that it does not explain. */
  log(): string;
  close(): Promise<void>;
}

interface Description {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: unknown }> }> }>
  >;
}

/**
 * The schema of a stream is that of one event, and Prism compares it with the whole text: it gets a text to compare with.
 * The walk checks the events.
 */
function withStreamsAsText(description: Description): Description {
  const copy = structuredClone(description);
  for (const operation of Object.values(copy.paths).flatMap((item) => Object.values(item))) {
    for (const { content = {} } of Object.values(operation.responses)) {
      const stream = content["text/event-stream"];
      if (stream) stream.schema = { type: "string" };
    }
  }
  return copy;
}

export async function startPrism(upstream: string): Promise<Prism> {
  const description: Description = JSON.parse(await readFile(join(made, "openapi.json"), "utf8"));
  const path = join(made, "prism.json");
  await writeFile(path, JSON.stringify(withStreamsAsText(description)));
  const port = await findFreePort();
  const args = ["proxy", path, upstream, "--errors", "--host", "127.0.0.1", "--port", String(port)];
  const child = spawn(tool("prism"), args, { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
  let said = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (piece: string) => {
        said = (said + piece).slice(-200_000);
        if (said.includes("Prism is listening")) resolve();
      });
    }
    void ended.then(() => reject(new Error(`Prism did not start:\n${said}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    log: () => said,
    close: async () => {
      child.kill();
      await ended;
    },
  };
}
