/**
 * `process/code-run`: the interpreter reads the program from stdin. So the program needs no file, may be long, and
 * finds the modules of the folder it runs in.
 */
import { delimiter, join } from "node:path";
import type { Channel, Request } from "./channel.ts";
import { readText, readTexts } from "./channel.ts";
import { executeProgram } from "./commands.ts";
import { KeeperError } from "./failures.ts";
import { isExecutable, type KeeperSettings, processEnvironment } from "./settings.ts";

export async function runCode(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const program = [...findInterpreter(readText(request, "language"), settings), "-", ...readTexts(request, "args")];
  await executeProgram(channel, request, settings, { program, input: readText(request, "code") });
}

/** node runs both of its languages, including TypeScript syntax that is more than types. */
function findInterpreter(language: string, settings: KeeperSettings): string[] {
  if (language === "python") return [requirePython(settings), "-u"];
  const node = settings.fenced ? process.execPath : "node";
  return [node, "--experimental-transform-types", "--disable-warning=ExperimentalWarning"];
}

function requirePython(settings: KeeperSettings): string {
  const folders = (processEnvironment(settings).PATH ?? "").split(delimiter);
  for (const name of ["python3", "python"]) {
    const found = folders.map((folder) => join(folder, name)).find(isExecutable);
    if (found !== undefined) return found;
  }
  throw new KeeperError(501, "NOT_IMPLEMENTED", "python is not installed on this machine");
}
