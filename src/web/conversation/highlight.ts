// The grammars, in a chunk of their own.
import type { Root } from "hast";
import { common, createLowlight } from "lowlight";

const lowlight = createLowlight(common);

/** Null where the language is not known. */
export function highlight(text: string, language: string): Root | null {
  return lowlight.registered(language) ? lowlight.highlight(language, text) : null;
}
