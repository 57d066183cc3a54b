// Starts a target's server. Each measurement gets a process of its own, so none is measured with another's memory,
// compiled code or leftover work.

import { readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
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
}

export interface Server {
  name: TargetName;
  url: string;
  /** Null for the model, which is watched by nobody. */
  pid: number | null;
  stop(): Promise<void>;
}

/** `folder` is where the server stores its data: an empty one, or that of an earlier process of the same target. */
export async function startServer(name: TargetName, parts: Parts, folder: string): Promise<Server> {
  if (name === "direct") return { name, url: parts.model, pid: null, stop: () => Promise.resolve() };
  if (name === "node") {
    const { program, said } = await startProgram("peers/node-server.ts", 0, [`${parts.model}/v1`, folder]);
    return { name, url: String(said.url), pid: program.pid, stop: program.stop };
  }
  const { url, pid, stop } = await startWorker(await describe(name, parts), folder, 0);
  return { name, url, pid, stop };
}

async function describe(name: TargetName, parts: Parts): Promise<WorkerDescription> {
  const vars = { MODEL_URL: `${parts.model}/v1` };
  switch (name) {
    case "taskloom":
    case "ag-ui":
      return describeProduct(parts);
    case "agents": {
      const modules = [{ name: "chat-agent.js", path: parts.chat_agent ?? "" }];
      return { modules, object: { binding: "ChatAgent", class_name: "ChatAgent" }, vars };
    }
    default: {
      const modules = [await writeModule(name, parts.folder)];
      const class_name = name === "loop" ? "Loop" : "PassThrough";
      return { modules, entrypoint: "publicEntrypoint", object: { binding: "OBJECTS", class_name }, vars };
    }
  }
}

/** The product as wrangler bundles it, with the bindings of wrangler.toml that have a part in a turn. */
export function describeProduct({ product, model, d1 }: Omit<Parts, "chat_agent">): WorkerDescription {
  return {
    modules: [{ name: "index.js", path: product }],
    object: { binding: "THREADS", class_name: "ThreadObject" },
    d1,
    vars: {
      ADMIN_API_KEY: API_KEY,
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: `${model}/v1`,
      OPENAI_MODEL: "bench",
      // Sends all messages, as the other targets do: with its usual window the product sends a summary of a long thread.
      MODEL_CONTEXT_TOKENS: "4000000",
    },
  };
}

/** A Worker of one file, with its types removed. */
export async function writeModule(name: string, folder: string): Promise<{ name: string; path: string }> {
  const source = await readFile(join(import.meta.dirname, `${name}.ts`), "utf8");
  const path = join(folder, `${name}.js`);
  await writeFile(path, stripTypeScriptTypes(source));
  return { name: `${name}.js`, path };
}
