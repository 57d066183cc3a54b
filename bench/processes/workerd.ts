// Runs Workers in workerd itself, without Miniflare: what is measured is one process with nothing in it but the Worker.
// D1 runs in a second workerd, as it runs elsewhere in a deployment: its work isn't counted against the Worker.
// Both configurations are Cap'n Proto text (node_modules/workerd/workerd.capnp).
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { type Core, type Program, startCommand } from "./programs.ts";

export interface WorkerdProgram extends Program {
  /** The address of its only socket, without a slash at the end. */
  url: string;
}

export interface WorkerDescription {
  /** Paths of ES modules; the first is the Worker's. Names are what imports call them. */
  modules: { name: string; path: string }[];
  entrypoint?: string;
  /** The Durable Object's binding and class; it has SQLite. */
  object: { binding: string; class_name: string };
  /** Whether objects stay in memory; else workerd removes one after ten seconds without a request. */
  stays?: boolean;
  vars: Record<string, string>;
  /** Sources of modules of the platform that workerd alone does not have, by name. */
  platform_modules?: Record<string, string>;
  /** The origin of a D1 process; becomes the binding `DB`. */
  d1?: string;
  /** The most that V8 may keep of old objects. It ends the process beyond that. */
  heap_mib?: number;
  /** Where the inspector listens. It says what the heap holds. */
  inspector?: string;
  /** A Unix socket beside the usual one. Its kernel buffers are small, so a client that reads nothing is noticed soon. */
  unix_socket?: string;
}

/** Date and flags of wrangler.toml, as configuration. */
async function readPlatform(): Promise<string> {
  const text = await readFile(join(import.meta.dirname, "../../wrangler.toml"), "utf8");
  const [, date] = /^compatibility_date = (".*")$/m.exec(text) ?? [];
  const [, flags] = /^compatibility_flags = \[([^\]]*)\]$/m.exec(text) ?? [];
  if (date === undefined || flags === undefined) throw new Error("wrangler.toml has no compatibility date or flags");
  // workerd warns of a flag that this date has anyway.
  const named = (flags.match(/"[^"]+"/g) ?? []).filter((flag) => flag !== '"nodejs_compat"');
  return `compatibilityDate = ${date}, compatibilityFlags = [${named.join(", ")}],`;
}

/** `folder` holds the configuration and the objects' databases. A later start finds them again. */
export async function startWorker(worker: WorkerDescription, folder: string, core: Core): Promise<WorkerdProgram> {
  const { object } = worker;
  // An absolute path would be looked up in the folders for imports.
  const modules = worker.modules.map(
    ({ name, path }) => `(name = ${quote(name)}, esModule = embed ${quote(relative(folder, path))})`,
  );
  const vars = Object.entries(worker.vars).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`);
  const database = `(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api",
      innerBindings = [(name = "fetcher", service = "d1")]))`;
  const bindings = [
    `(name = ${quote(object.binding)}, durableObjectNamespace = ${quote(object.class_name)})`,
    ...vars,
    // No measured turn sends a job. Nobody listens at this port: one that does gets an error.
    ...(worker.d1 === undefined ? [] : [database, `(name = "JOBS", queue = "nobody")`]),
  ];
  const extensions = Object.entries(worker.platform_modules ?? {}).map(
    ([name, source]) => `(name = ${quote(name)}, internal = true, esModule = ${quote(source)})`,
  );
  const d1 =
    worker.d1 === undefined ? "" : `(name = "d1", external = (address = ${quote(hostOf(worker.d1))}, http = ())),`;
  const entry = `name = "worker"${worker.entrypoint === undefined ? "" : `, entrypoint = ${quote(worker.entrypoint)}`}`;
  const heap = worker.heap_mib === undefined ? "" : `v8Flags = [${quote(`--max-old-space-size=${worker.heap_mib}`)}],`;
  const at = quote(`unix:${worker.unix_socket}`);
  const unix =
    worker.unix_socket === undefined ? "" : `(name = "unix", address = ${at}, http = (), service = (${entry})),`;
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  ${heap}
  services = [
    (name = "worker", worker = .worker),
    (name = "nobody", external = (address = "127.0.0.1:1", http = ())),
    (name = "network", network = (allow = ["public", "private", "local"])),
    (name = "disk", disk = (path = ${quote(join(folder, "objects"))}, writable = true)),
    ${d1}
  ],
  extensions = [(modules = [${extensions.join(", ")}])],
  sockets = [${unix}
    (name = "http", address = "127.0.0.1:0", http = (), service = (${entry}))],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  ${await readPlatform()}
  bindings = [${bindings.join(",\n    ")}],
  globalOutbound = "network",
  durableObjectNamespaces = [(
    className = ${quote(object.class_name)}, uniqueKey = ${quote(object.class_name)}, enableSql = true,
    preventEviction = ${worker.stays === true})],
  durableObjectStorage = (localDisk = "disk"),
);
`;
  const flags = worker.inspector === undefined ? [] : [`--inspector-addr=${worker.inspector}`];
  return startWorkerd(text, folder, core, flags);
}

/** One database. Its SQL is answered over HTTP at `/query`, as the binding in the Worker's workerd asks. */
export function startD1(folder: string, core: Core): Promise<WorkerdProgram> {
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "d1", worker = .d1), (name = "disk", disk = (path = ${quote(join(folder, "objects"))}, writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = (
    name = "d1", props = (json = "{\\"database\\": \\"bench\\"}")))],
);
const d1 :Workerd.Worker = (
  modules = [(name = "d1.js", bundled = "/workerd/d1.js")],
  compatibilityDate = "2026-11-01",
  bindings = [(name = "DATABASE", durableObjectNamespace = "D1Database")],
  durableObjectNamespaces = [(className = "D1Database", uniqueKey = "d1", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
`;
  return startWorkerd(text, folder, core);
}

async function startWorkerd(config: string, folder: string, core: Core, flags: string[] = []): Promise<WorkerdProgram> {
  await mkdir(join(folder, "objects"), { recursive: true });
  const path = join(folder, "config.capnp");
  await writeFile(path, config);
  // `bundled` modules are experimental in this version.
  const command = [findBinary(), "serve", "--experimental", "--control-fd=3", ...flags, path];
  const { program, line } = await startCommand(command, core, (said) => said.includes('"socket":"http"'));
  const { port } = JSON.parse(line) as { port: number };
  return { ...program, url: `http://127.0.0.1:${port}` };
}

/** The program itself: the package's command is a Node script, whose memory and time are not workerd's. */
function findBinary(): string {
  return (createRequire(import.meta.url)("workerd") as { default: string }).default;
}

function hostOf(origin: string): string {
  return new URL(origin).host;
}

/** Cap'n Proto's string literals escape as JSON's do. */
function quote(text: string): string {
  return JSON.stringify(text);
}
