// The Markdown of the three sweeps: a table each, and what its figures are.
import { type Disturbance, isNoisy, limits } from "../processes/foreign-load.ts";
import { summarizeDisturbance } from "../turns/table.ts";
import type { MessagesPoint } from "./messages.ts";
import type { Growth } from "./points.ts";
import type { ReadersPoint } from "./readers.ts";
import type { Spread } from "./stage.ts";
import type { Stored } from "./stored-rows.ts";
import type { ThreadsPoint } from "./threads.ts";
import type { TurnRows } from "./turn-rows.ts";

export function formatGrowth({ messages, readers, threads, rounds, reading }: Growth): string {
  return [
    "Times are ms from the request: to the first token, or to the end of the stream. They and other " +
      "repeated figures are medians (least–most). Memory is what the server's process holds at the point " +
      "(RSS). Each point has a process of its own, warmed up by 100 turns on five other threads. Rows are those of " +
      "one turn: the object's + D1's, counted in a further process. An asterisk marks a point that was disturbed.",
    "### Messages in a thread",
    formatMessages(messages),
    "A turn has 5 tokens and makes two messages. Times are of 40 turns around that length. From 300 " +
      "messages on it is one thread, filled by turns; shorter ones are 20, 10 and 4 threads. Both servers " +
      "send the model the whole thread. Rows are of five turns after these. Memory is that of a process that has taken the turns since the " +
      "length before.",
    formatStored(messages),
    "What a thread's object has stored. Rows are of all tables of its SQLite, bytes are its pages.",
    "### Readers of a stream",
    formatReaders(readers),
    `All read one thread's stream while a run sends ${reading.tokens} tokens, ${reading.rate} a second; ` +
      `rounds: ${rounds}. ` +
      "Each reader got each token once. CPU is the server's for each token of the model, for all readers " +
      "together, and has the run's start and end in it. *Client busy* is the busy share of the process " +
      "that reads: near 1 the client would be measured.",
    ...readers.flatMap(explainRefused),
    "### Threads in a process",
    formatThreads(threads),
    "Each thread has had one turn of 20 tokens, and all are in memory: workerd keeps them there. " +
      "Times are of 40 turns, one at a time: first in existing threads, spread over all (below 40 threads " +
      "some take several), then in new ones. KiB a thread: the growth of the process; with " +
      "few threads it is mostly the heap's. Rows are those of a first and of a second turn while D1 has all threads.",
    formatDisturbance({ messages, readers, threads }),
  ].join("\n\n");
}

function formatMessages(points: MessagesPoint[]): string {
  const head = ["turn", "turn, `loop`", "first token", "first token, `loop`", "MiB", "MiB, `loop`", ...rowsHead("")];
  return formatTable(
    "messages",
    head,
    points.map(({ messages, taskloom, loop, rows }) => ({
      name: messages,
      isDisturbed: isNoisy(taskloom.disturbance) || isNoisy(loop.disturbance),
      cells: [
        formatSpread(taskloom.times.turn, 2),
        formatSpread(loop.times.turn, 2),
        formatSpread(taskloom.times.first_token, 2),
        formatSpread(loop.times.first_token, 2),
        formatValue(taskloom.memory_mib, 0),
        formatValue(loop.memory_mib, 0),
        ...formatRows(rows),
      ],
    })),
  );
}

function formatStored(points: MessagesPoint[]): string {
  const tables = Object.keys(points[0]?.stored.rows ?? {}).filter((table) =>
    points.some(({ stored }) => (stored.rows[table] ?? 0) > 0),
  );
  return formatTable(
    "messages",
    [...tables.map((table) => `\`${table}\``), "rows", "rows a message", "KiB", "bytes a message"],
    points.map(({ stored }) => {
      const { rows, bytes } = stored;
      const all = countStored(stored);
      const count = rows.messages ?? 0;
      return {
        name: count,
        isDisturbed: false,
        cells: [
          ...tables.map((table) => formatValue(rows[table] ?? 0, 0)),
          formatValue(all, 0),
          formatValue(all / count, 2),
          formatValue(bytes / 1024, 0),
          formatValue(bytes / count, 0),
        ],
      };
    }),
  );
}

function countStored({ rows }: Stored): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}

function formatReaders(points: ReadersPoint[]): string {
  const head = [
    "CPU µs a token",
    "µs a token and reader",
    "last reader after the first, ms",
    "MiB",
    "client busy",
    ...rowsHead(" by the run"),
  ];
  return formatTable(
    "readers",
    head,
    points.map(({ open, cpu_per_token, spread_ms, memory_mib, client_busy, rows, disturbance }) => ({
      name: open,
      isDisturbed: isNoisy(disturbance),
      cells: [
        formatSpread(cpu_per_token, 0),
        formatValue(cpu_per_token === null ? null : cpu_per_token.median / open, 1),
        formatSpread(spread_ms, 1),
        formatSpread(memory_mib, 0),
        formatValue(client_busy.median, 2),
        ...formatRows(rows),
      ],
    })),
  );
}

function explainRefused({ asked, open, refused, statuses }: ReadersPoint): string[] {
  if (refused === 0) return [];
  const answers = statuses.join(", ");
  return [`Of ${formatCount(asked)} readers that asked, ${open} were accepted and ${refused} refused with ${answers}.`];
}

function formatThreads(points: ThreadsPoint[]): string {
  const head = [
    "turn, new thread",
    "turn, existing thread",
    "first token, new thread",
    "first token, existing",
    "MiB",
    "KiB a thread",
    ...rowsHead(", new thread"),
    ...rowsHead(", existing"),
  ];
  return formatTable(
    "threads",
    head,
    points.map((point) => ({
      name: point.threads,
      isDisturbed: isNoisy(point.disturbance),
      cells: [
        formatSpread(point.new_thread.turn, 2),
        formatSpread(point.existing_thread.turn, 2),
        formatSpread(point.new_thread.first_token, 2),
        formatSpread(point.existing_thread.first_token, 2),
        formatValue(point.memory_mib, 0),
        formatValue(point.kib_per_thread, 0),
        ...formatRows(point.rows_new),
        ...formatRows(point.rows_existing),
      ],
    })),
  );
}

function formatDisturbance({ messages, readers, threads }: Pick<Growth, "messages" | "readers" | "threads">): string {
  const all: Disturbance[] = [
    ...messages.flatMap(({ taskloom, loop }) => [taskloom.disturbance, loop.disturbance]),
    ...[...readers, ...threads].map(({ disturbance }) => disturbance),
  ];
  return [
    ...summarizeDisturbance(all),
    `Disturbed: ${all.filter(isNoisy).length} of ${all.length} measurements, by over ${limits.foreign_cores} of a ` +
      `core or over ${limits.slowdown} times the usual time. None was left out.`,
  ].join("\n");
}

interface Line {
  name: number;
  isDisturbed: boolean;
  cells: string[];
}

function formatTable(what: string, head: string[], lines: Line[]): string {
  return [
    `| ${what} | ${head.join(" | ")} |`,
    `|--:${"|--:".repeat(head.length)}|`,
    ...lines.map(
      ({ name, isDisturbed, cells }) => `| ${formatCount(name)}${isDisturbed ? " \\*" : ""} | ${cells.join(" | ")} |`,
    ),
  ].join("\n");
}

function rowsHead(where: string): string[] {
  return [`rows read${where}`, `rows written${where}`];
}

/** The object's and D1's. */
function formatRows({ object_read, object_written, d1_read, d1_written }: TurnRows): string[] {
  return [
    `${formatValue(object_read, 1)} + ${formatValue(d1_read, 1)}`,
    `${formatValue(object_written, 1)} + ${formatValue(d1_written, 1)}`,
  ];
}

function formatSpread(spread: Spread | null, digits: number): string {
  if (spread === null) return NONE;
  const { least, most } = spread;
  const middle = formatValue(spread.median, digits);
  return least === most ? middle : `${middle} (${formatValue(least, digits)}–${formatValue(most, digits)})`;
}

const NONE = "–";

function formatValue(value: number | null, digits: number): string {
  if (value === null) return NONE;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function formatCount(value: number): string {
  return value.toLocaleString("en");
}
