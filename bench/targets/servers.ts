// Starts a target's server. Each measurement gets a process of its own, so none is measured with another's memory,
// compiled code or leftover work.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { basename, join } from "node:path";
import { startProgram } from "../processes/programs.ts";
import { startWorker, type WorkerDescription } from "../processes/workerd.ts";
import { API_KEY, type TargetName } from "./targets.ts";

/** What servers are made of, prepared once. */
export interface Parts {
  /** The origin of the model's server. */
  model: string;
  /** The origin of D1. */
  d1: string;
  /** Paths of bundles: the product, and the peer where it is measured. */
  product: string;
  chat_agent: string | null;
  /** A folder for modules that are made here. */
  folder: string;
  /** Whether the product's objects stay in memory without a request, as no deployed Worker's do. */
  stays?: boolean;
}

export interface Server {
  name: TargetName;
  url: string;
  /** Null for the model: only servers are measured. */
  pid: number | null;
  stop(): Promise<void>;
}

/** `folder` is where the server stores its data: an empty one, or that of an earlier process of the same target. */
export async function startServer(name: TargetName, parts: Parts, folder: string): Promise<Server> {
  if (name === "direct") return { name, url: parts.model, pid: null, stop: () => Promise.resolve() };
  if (name === "node") {
    const file = await prepareNodeServer();
    const args = [`${parts.model}/v1`, folder];
    const { program, said } = await startProgram(file, 0, args, { NODE_ENV: "production" });
    return { name, url: String(said.url), pid: program.pid, stop: program.stop };
  }
  const { url, pid, stop } = await startWorker(await describe(name, parts), folder, 0);
  return { name, url, pid, stop };
}

const peers = join(import.meta.dirname, "../peers");

/** JavaScript, as one deploys it: Node's own removal of types costs memory. Beside the packages, where they are found. */
async function prepareNodeServer(): Promise<string> {
  const folder = join(peers, "node_modules/.bench");
  await mkdir(folder, { recursive: true });
  for (const name of ["node-server", "tools"]) {
    const source = stripTypeScriptTypes(await readFile(join(peers, `${name}.ts`), "utf8"));
    await writeFile(join(folder, `${name}.mjs`), source.replaceAll('"./tools.ts"', '"./tools.mjs"'));
  }
  return "peers/node_modules/.bench/node-server.mjs";
}

async function describe(name: TargetName, parts: Parts): Promise<WorkerDescription> {
  const vars = { MODEL_URL: `${parts.model}/v1` };
  switch (name) {
    case "taskloom":
    case "ag-ui":
      return describeProduct(parts);
    case "agents": {
      const modules = [{ name: "chat-agent.js", path: parts.chat_agent ?? "" }];
      const object = { binding: "ChatAgent", class_name: "ChatAgent" };
      // The SDK imports it for agents that send mail; this one doesn't.
      const platform_modules = { "cloudflare-internal:email": "export default { EmailMessage: class {} };" };
      return { modules, entrypoint: "publicEntrypoint", object, vars, platform_modules };
    }
    default: {
      const modules = [await writeModule(`targets/${name}.ts`, parts.folder)];
      const class_name = name === "loop" ? "Loop" : "PassThrough";
      return { modules, entrypoint: "publicEntrypoint", object: { binding: "OBJECTS", class_name }, vars };
    }
  }
}

/** The product as wrangler bundles it, with the bindings of wrangler.toml that have a part in a turn. */
export function describeProduct(parts: Pick<Parts, "product" | "model" | "d1" | "stays">): WorkerDescription {
  const { product, model, d1, stays = false } = parts;
  return {
    modules: [{ name: "index.js", path: product }],
    object: { binding: "THREADS", class_name: "ThreadObject" },
    stays,
    d1,
    vars: {
      ADMIN_API_KEY: API_KEY,
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: `${model}/v1`,
      OPENAI_MODEL: "bench",
      // Sends all messages, as the other targets do: with its usual window the product sends a summary of a long thread.
      MODEL_CONTEXT_TOKENS: "4000000",
      // One user sends what thousands would.
      QUOTAS: "off",
    },
  };
}

/** `file` is a module of the bench that imports types at most, or by paths from there. Removes its types. */
export async function writeModule(file: string, folder: string): Promise<{ name: string; path: string }> {
  const source = await readFile(join(import.meta.dirname, "..", file), "utf8");
  const path = join(folder, `${basename(file, ".ts")}.js`);
  await writeFile(path, stripTypeScriptTypes(source));
  return { name: `bench/${file}`, path };
}
