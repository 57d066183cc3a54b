// Bundles a Worker as wrangler would deploy it: one module, minified as wrangler.toml says. Uploads nothing.
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const quiet = { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" };

/** esbuild's description of a readable bundle. */
export const METAFILE = "metafile.json";

export interface BundleOptions {
  /** Relative to the repository. */
  config?: string;
  /** Keeps names, and lists the modules in `folder/metafile.json`. */
  readable?: boolean;
}

/** `entry` is relative to the repository. Returns the path of the module. */
export async function bundleWorker(entry: string, folder: string, options: BundleOptions = {}): Promise<string> {
  const wrangler = join(root, "node_modules/.bin/wrangler");
  const { config = "wrangler.toml", readable = false } = options;
  const args = [wrangler, "deploy", entry, "--config", config, "--dry-run", "--outdir", folder];
  if (readable) args.push("--minify=false", "--metafile", join(folder, METAFILE));
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...quiet },
    // A group of its own: wrangler has programs below it, which would go on writing after this process.
    detached: true,
  });
  const onExit = (): void => killGroup(child.pid);
  process.prependOnceListener("exit", onExit);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  process.off("exit", onExit);
  const module = (await readdir(folder).catch(() => [])).find((name) => name.endsWith(".js"));
  if (code !== 0 || module === undefined) throw new Error(`${entry} could not be bundled:\n${output.slice(-3000)}`);
  return join(folder, module);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
