// Programs of the tools' own package, and what they say.
import { spawn } from "node:child_process";
import { join } from "node:path";

export const folder = import.meta.dirname;
export const root = join(folder, "../..");
/** What the checks make, which is in no repository: the description, and clients. */
export const made = join(root, "dist/openapi");

/** A tool must neither ask a person nor tell its maker anything. */
const quiet = { CI: "1", NO_COLOR: "1", REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

export interface Ended {
  code: number | null;
  text: string;
}

export function run(command: string, args: string[], settings: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...quiet, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, text }));
  });
}

/** A program of this package; the repository's are in `root`. */
export const tool = (name: string): string => join(folder, "node_modules/.bin", name);
