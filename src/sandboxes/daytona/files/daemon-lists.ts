// Lists one folder with the daemon's own list, for sandboxes that run no scripts. It leaves out links that lead nowhere.
import { SandboxError } from "../../../agent/sandbox.ts";
import type { FileListing } from "../../../agent/workspace.ts";
import { type Folders, showPath } from "../../paths.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { readBytes } from "./json-stream.ts";
import type { FilePorts } from "./ports.ts";
import { isHidden } from "./provider-folder.ts";

/** About 50,000 entries. A folder may contain millions, and a Durable Object has 128 MB for everything. */
const LISTING_BYTES = 16 * 1024 * 1024;

type Entry = Awaited<ReturnType<SdkSandbox["fs"]["getFileDetails"]>>;

export async function listByDaemon(
  { connection, toolbox, limits }: FilePorts,
  { asked, absolute, folders }: { asked: string; absolute: string; folders: Folders },
  signal: AbortSignal,
): Promise<FileListing> {
  const request = { path: "/files", query: { path: absolute }, signal, timeout_ms: limits.request_ms };
  const bytes = await connection.call(
    (sandbox) => toolbox.ask(sandbox, request, (response) => readBytes(response, LISTING_BYTES)),
    signal,
  );
  if (bytes === null)
    throw new SandboxError("too_large", `${asked || "."} holds too many files to be listed. Use a command.`);
  const found = (JSON.parse(new TextDecoder().decode(bytes)) as Entry[])
    .map(({ name, isDir, size, modifiedAt }) => ({
      path: `${absolute === "/" ? "" : absolute}/${name}`,
      size: isDir ? 0 : size,
      is_dir: isDir,
      modified_at: new Date(Date.parse(modifiedAt) || 0).toISOString(),
    }))
    .filter(({ path }) => !isHidden(path, folders))
    .map((entry) => ({ ...entry, path: showPath(entry.path, folders) }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  return { entries: found.slice(0, limits.entries), is_cut: found.length > limits.entries };
}
