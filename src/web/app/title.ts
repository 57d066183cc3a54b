// The title of the browser's tab: people leave a long run for another tab, and see there that it waits for them.
import type { ThreadView } from "../state/thread-view.ts";

export type TitleSign = "asks" | "runs" | null;

/** An answer that is on its way asks nothing of anybody. */
export function signOf({
  phase,
  conversation: { run, interrupts },
}: Pick<ThreadView, "phase" | "conversation">): TitleSign {
  if (phase === "loading") return null;
  if (run.state === "interrupted" && interrupts.length > 0) return "asks";
  return run.state === "running" || run.state === "waiting" ? "runs" : null;
}

/** What asks comes first, since a narrow tab shows a few letters only. */
export function titleOf(title: string | null | undefined, sign: TitleSign, asks: string): string {
  const name = title ? `${title} · Taskloom` : "Taskloom";
  if (sign === "asks") return `(!) ${asks} · ${name}`;
  return sign === "runs" ? `● ${name}` : name;
}
