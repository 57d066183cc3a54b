// The list of models as lines of text. Pure.
import type { ModelList } from "../../src/web/client/api.ts";
import { plain } from "./width.ts";

export function modelLines({ data, incomplete }: ModelList): string[] {
  const names = data.map(({ id, is_default }) => `${plain(id)}${is_default ? " (default)" : ""}`);
  if (incomplete.length === 0) return names.length > 0 ? names : ["No model is set up."];
  return [
    ...names,
    `No whole list from: ${incomplete.map(plain).join(", ")}. You can name models of theirs that are not listed.`,
  ];
}
