// Notices when JSON that arrives in pieces is a whole object, in time linear in its characters: parsing it again for each
// piece would take minutes for a reply of a megabyte.

export interface JsonEnd {
  push(text: string): void;
  /** Whether what was pushed is one object from its first brace to its last, as far as braces and strings tell. */
  readonly isWhole: boolean;
}

export function createJsonEnd(): JsonEnd {
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let state: "before" | "inside" | "whole" | "other" = "before";

  function accept(code: number): void {
    if (isEscaped) isEscaped = false;
    else if (isInString) {
      if (code === 0x5c) isEscaped = true;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (depth === 0) state = "whole";
    }
  }

  return {
    push(text) {
      for (let at = 0; at < text.length && state !== "other"; at++) {
        const code = text.charCodeAt(at);
        const isSpace = code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
        if (state === "inside") accept(code);
        else if (isSpace) continue;
        else if (state === "before" && code === 0x7b) {
          state = "inside";
          depth = 1;
        } else state = "other";
      }
    },
    get isWhole() {
      return state === "whole";
    },
  };
}
