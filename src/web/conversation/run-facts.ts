// What the line below the conversation says of a run that works: how far its plan is, since when it runs, and what it
// has used. What isn't known is left out.
import type { ThreadView } from "../state/thread-view.ts";

type Seen = Pick<ThreadView, "conversation" | "runs" | "activity">;

/**
 * When the newest run began by this browser's clock, in ms since 1970. The server's time of it counts where the page
 * came later, unless the two clocks differ so much that it is after what the page saw.
 */
export function startOf({ conversation, runs, activity }: Seen): number | null {
  const { id } = conversation.run;
  if (id === null) return null;
  const seen = activity.findLast(({ event }) => event.type === "RUN_STARTED" && event.runId === id)?.at;
  const row = runs.find(({ invocation_id }) => invocation_id === id);
  const stored = Date.parse(row?.started_at ?? "");
  const known = [seen, stored].filter((at) => at !== undefined && !Number.isNaN(at)) as number[];
  return known.length === 0 ? null : Math.min(...known);
}

/** Null while no call has reported any. */
export function tokensOf({
  conversation,
  runs,
  spent,
}: Pick<ThreadView, "conversation" | "runs" | "spent">): number | null {
  const { id } = conversation.run;
  if (id === null) return null;
  const live = spent?.invocation_id === id ? spent : runs.find(({ invocation_id }) => invocation_id === id);
  const count = (live?.usage?.input_tokens ?? 0) + (live?.usage?.output_tokens ?? 0);
  return count > 0 ? count : null;
}

/** `0:42`, `12:05`, `1:02:05`. */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `850`, `31k`, `1.2M`; in Chinese `3.1万`. */
export function formatShort(count: number, locale: string): string {
  // A thousand is exact enough, and ten thousand is not.
  const digits = locale.startsWith("zh") || count >= 1e6 ? 1 : 0;
  const format = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: digits });
  return format.format(count).replace("K", "k");
}

const maxName = 60;
/** Of characters that a person sees, each may be many code units. */
const maxRead = 16 * maxName;

/** The first line, cut between characters. */
export function shorten(text: string): string {
  const [line = ""] = text.trim().split("\n", 1);
  const characters = Array.from(new Intl.Segmenter().segment(line.slice(0, maxRead)), ({ segment }) => segment);
  if (characters.length <= maxName && line.length <= maxRead) return line;
  const cut = characters.slice(0, maxName - 1).join("");
  return `${cut.trimEnd()}…`;
}
