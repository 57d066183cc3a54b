/**
 * `POST /env`: the environment of every process that starts from now on.
 */
import { type Request, readText, readTexts, readVariables } from "./channel.ts";
import { variables } from "./settings.ts";

/** Removals are applied first, so that one request can replace a value. */
export function changeVariables(request: Request): null {
  const set = readVariables(request, "set");
  const prefix = readText(request, "unsetValuePrefix");
  for (const name of readTexts(request, "unset")) variables.delete(name);
  for (const [name, value] of variables) {
    if (prefix !== "" && value.startsWith(prefix) && !Object.hasOwn(set, name)) variables.delete(name);
  }
  for (const [name, value] of Object.entries(set)) variables.set(name, value);
  return null;
}
