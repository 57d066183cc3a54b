// In which language a run asks for more: that of its plan, or else of what the person said last.
import { isChinese } from "../../agent/language.ts";
import { textOf } from "../../protocol/message.ts";
import type { Life } from "../life.ts";
import { readLastOf } from "../rows/messages.ts";

export function speaksChinese({ database, state, thread }: Life): boolean {
  const tasks = state.plan.tasks.map(({ content }) => content).join(" ");
  if (tasks !== "") return isChinese(tasks);
  const last = readLastOf(database.sql, thread, "user");
  return last?.type === "user" && isChinese(textOf(last.content.content));
}
