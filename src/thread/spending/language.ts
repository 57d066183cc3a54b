// In which language a run asks for more: that of its plan, or else of what the person said last.
import { isChinese } from "../../agent/language.ts";
import type { Life } from "../life.ts";
import { readLastSaid } from "../rows/messages.ts";

export function speaksChinese({ database, state, thread }: Life): boolean {
  const tasks = state.plan.tasks.map(({ content }) => content).join(" ");
  return isChinese(tasks || readLastSaid(database.sql, thread));
}
