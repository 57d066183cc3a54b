// What the server has seen of a task, as a word behind it. A task without checks has none.
import type { Verification } from "../../protocol/plan/check.ts";
import type { TaskState } from "../../protocol/plan/task.ts";

type Words = Partial<Record<Verification, string>>;

const english: Words = {
  verified: "verified",
  self_checked: "self-checked",
  accepted: "accepted by a person",
  failed: "check failed",
  stale: "files have changed since",
  not_run: "not checked yet",
};
const chinese: Words = {
  verified: "已验证",
  self_checked: "自查通过",
  accepted: "已由人认可",
  failed: "检查未通过",
  stale: "之后文件有改动",
  not_run: "尚未检查",
};

/** Null before there is news: an open task has not been checked, which nobody needs to read. */
export function describeVerified(
  { status, verification = "none" }: Pick<TaskState, "status" | "verification">,
  isChinese: boolean,
): string | null {
  if (status !== "completed" && verification !== "failed") return null;
  return (isChinese ? chinese : english)[verification] ?? null;
}
