// A shell with a few commands, enough for the contract's core: echo (with > and >>), cat, pwd, head -n 1, sleep, true,
// false and exit, separated by semicolons.
import { type CommandScript, type Process, waitFor } from "./commands.ts";
import type { MemoryFiles } from "./files.ts";

const NOT_FOUND = 127;

interface Step {
  exit_code: number;
  /** The rest of the line is not run. */
  isEnd?: boolean;
}

export function createShell(files: MemoryFiles): CommandScript {
  return async (line, process) => {
    let exit_code = 0;
    for (const words of readSteps(line)) {
      let step: Step;
      try {
        step = await runStep(words, process, files);
      } catch (error) {
        process.print(`${error instanceof Error ? error.message : error}\n`);
        step = { exit_code: 1 };
      }
      exit_code = step.exit_code;
      if (step.isEnd || process.signal.aborted) break;
    }
    return { exit_code };
  };
}

/** A comment begins with a # after a space. */
function readSteps(line: string): string[] {
  return line
    .replace(/(^|\s)#.*$/gm, "")
    .split(/[;\n]/)
    .map((step) => step.trim())
    .filter((step) => step !== "");
}

async function runStep(step: string, process: Process, files: MemoryFiles): Promise<Step> {
  const [name = "", ...words] = step.split(" ");
  const rest = words.join(" ");
  switch (name) {
    case "echo":
      echo(rest, process, files);
      return { exit_code: 0 };
    case "cat":
      process.print(new TextDecoder().decode(files.read(within(process.cwd, rest))));
      return { exit_code: 0 };
    case "pwd":
      process.print(`${process.cwd}\n`);
      return { exit_code: 0 };
    case "head":
      process.print(`${await process.readLine()}\n`);
      return { exit_code: 0 };
    case "sleep":
      await waitFor(new Promise(() => {}), Number(rest) * 1000, process.signal);
      return { exit_code: 0 };
    case "true":
    case "false":
      return { exit_code: name === "true" ? 0 : 1 };
    case "exit":
      return { exit_code: Number(rest) || 0, isEnd: true };
    default:
      process.print(`sh: ${name}: not found\n`);
      return { exit_code: NOT_FOUND };
  }
}

function echo(rest: string, process: Process, files: MemoryFiles): void {
  const [, said = "", arrow, file = ""] = /^(.*?)(?:\s*(>>?)\s*(\S+))?$/.exec(rest) ?? [];
  const text = `${said.replace(/^(["'])(.*)\1$/, "$2")}\n`;
  if (arrow === undefined) {
    process.print(text);
    return;
  }
  const path = within(process.cwd, file);
  const former = arrow === ">>" && files.has(path) ? new TextDecoder().decode(files.read(path)) : "";
  files.write(path, new TextEncoder().encode(former + text));
}

function within(cwd: string, path: string): string {
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}
