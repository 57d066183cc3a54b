/**
 * Copies whole folders of sandboxes.
 */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { copyArguments, type Isolation } from "./isolation.ts";

const run = promisify(execFile);

/** Some gigabytes on a slow disk. */
const copyTimeoutMs = 300_000;

export interface CopyOptions {
  isolation: Isolation;
  etc: string;
}

/**
 * Copies the content of one folder into another, in a namespace that shows nothing else. A running sandbox may
 * meanwhile replace a folder with a link, which outside would lead anywhere on this machine.
 */
export async function copyTree(from: string, to: string, { isolation, etc }: CopyOptions): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const copy = ["cp", "-a", "--reflink=auto"];
  const [program, args] =
    isolation === "bubblewrap"
      ? ["bwrap", [...copyArguments(etc, from, to), "--", ...copy, "/from/.", "/to/"]]
      : ["cp", [...copy.slice(1), `${from}/.`, `${to}/`]];
  try {
    await run(program, args, { timeout: copyTimeoutMs, killSignal: "SIGKILL" });
  } catch {
    throw new Error("its files could not be copied");
  }
}
