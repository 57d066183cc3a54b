// Secrets that people give to a program of `dev`. Every user of a machine can read the arguments of its processes, and
// a shell keeps them in its history: a variable or a file is better.
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

/** As in a header: the longest key that the server looks at has 1,024 characters. */
const shape = /^[\x21-\x7e]{1,1024}$/;

/** The one line of a file; `-` is standard input. Throws an error with a message for people, which quotes nothing. */
export async function readSecretFile(flag: string, path: string): Promise<string> {
  const content = await (path === "-" ? text(process.stdin) : readFile(path, "utf8")).catch(() => {
    throw new Error(`${flag}: the file can't be read`);
  });
  const secret = content.trim();
  if (!shape.test(secret)) throw new Error(`${flag} must name a file with one line of visible ASCII without spaces`);
  return secret;
}

/** Shows `name` in place of this process's arguments. What started it, such as npm, may show them still. */
export function hideArguments(name: string): void {
  process.title = name;
}

/** `instead` says where the secret should come from. */
export function describeArgument(flag: string, instead: string): string {
  return `${flag} can be read by every user of this machine and stays in the shell's history: use ${instead}.`;
}
