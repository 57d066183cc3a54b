/**
 * `POST /env`: what every process that starts from now on gets.
 */
import { type Request, readText, readTexts, readVariables } from "./channel.ts";
import { variables } from "./settings.ts";

/** What is taken away goes first, so that a value can be replaced in one request. */
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
