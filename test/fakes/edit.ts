// An edit of one file, as a call asks for it.
import { applyEdit, type EditOutcome } from "../../src/tools/edits/edit.ts";

export function edit(text: string, old_string: string, new_string: string, replace_all = false): EditOutcome {
  return applyEdit(text, { path: "a", old_string, new_string, replace_all });
}
