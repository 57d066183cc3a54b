// The tables of docs/scale.md.
import type { Measured } from "./measure.ts";
import { priceOf } from "./prices.ts";
import { simulatePeak } from "./simulate.ts";
import type { CountedCosts, Units } from "./units.ts";
import { growth, leftForEver, type Usage, usageOf } from "./usage.ts";

/** Threads that are active on a day. */
const SIZES = [1, 100, 1_000, 10_000, 100_000, 1_000_000];
const LIMIT = 10e9;
/** Where the warning begins, and where a shard takes no new projects (docs/decisions/0115). */
const FILL = 0.7;
const SHARD_FILL = 0.6;
const KEPT_DAYS = 90;

export function formatScale(units: Units): string {
  const rows = SIZES.map((threads) => {
    const daily = growth(units, threads).d1;
    const databases = Math.max(1, Math.ceil((daily * KEPT_DAYS) / (LIMIT * SHARD_FILL)));
    const peak = simulatePeak(threads);
    return [
      threads.toLocaleString("en-US"),
      round(peak.turns_per_second),
      `${round(peak.busy * 100)} %`,
      peak.wait_ms === null ? "never ends" : `${round(peak.wait_ms)} ms`,
      formatBytes(daily),
      formatDays(LIMIT / daily),
      formatDays((LIMIT * FILL) / daily),
      databases.toLocaleString("en-US"),
      formatBytes(leftForEver(units, threads) * 365),
    ];
  });
  const head = ["Threads a day", "Turns/s", "D1 busy", "99 % wait", "D1 grows a day", "Full after"];
  return table([...head, "`RETENTION_DAYS` for 70 %", `Databases for ${KEPT_DAYS} days`, "Tombstones a year"], rows);
}

const parts: Record<string, (keyof Usage)[]> = {
  duration: ["gb_seconds"],
  "rows written": ["object_rows_written", "d1_rows_written"],
  "rows read": ["object_rows_read", "d1_rows_read"],
  requests: ["worker_requests", "object_requests"],
  CPU: ["cpu_ms"],
  logs: ["log_events"],
  "D1's storage": ["d1_gb"],
  "objects' storage": ["object_gb"],
};

export function formatBill(counted: CountedCosts, units: Units): string {
  const rows = SIZES.map((threads) => {
    const month = usageOf(counted, units, threads, KEPT_DAYS);
    const all = priceOf(month);
    const turns = threads * 3 * 30;
    const each = Object.values(parts).map((names) => formatUsd(priceOf(month, names)));
    return [threads.toLocaleString("en-US"), formatUsd(all), `$${((all / turns) * 1000).toPrecision(2)}`, ...each];
  });
  return table(["Threads a day", "A month", "1,000 turns", ...Object.keys(parts)], rows);
}

export function formatBytesOf({ d1, object, tombstone }: Units): string {
  const cells = ({ first_turn, turn, step }: Units["d1"]) => [first_turn, turn, step].map(show);
  const rows = [
    ["D1, with indexes", ...cells(d1)],
    ["the object", ...cells(object)],
  ];
  return `${table(["Bytes", "First turn", "Turn", "Step"], rows)}\n\nA deleted thread leaves ${show(tombstone)} bytes in D1.`;
}

/** Columns that take a byte or more of something. */
export function formatColumns({ columns }: Measured): string {
  const rows = columns
    .filter(({ bytes }) => Math.max(...bytes) >= 8)
    .map(({ table: name, column, bytes }) => [`\`${name}.${column}\``, ...bytes.map(show)]);
  return table(["Column", "First turn", "Turn", "Step"], rows);
}

function show(bytes: number): string {
  return Math.round(bytes).toLocaleString("en-US");
}

function round(value: number): string {
  return value === 0 ? "0" : Number(value.toPrecision(2)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

function formatUsd(usd: number): string {
  return `$${usd >= 100 ? Math.round(usd).toLocaleString("en-US") : usd.toFixed(usd < 10 ? 2 : 0)}`;
}

function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(2))} ${units[unit]}`;
}

function formatDays(days: number): string {
  if (days >= 2 * 365) return days >= 100 * 365 ? "centuries" : `${Math.floor(days / 365)} years`;
  return days >= 2 ? `${Math.floor(days)} days` : `${Math.floor(days * 24)} hours`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    `|---|${head
      .slice(1)
      .map(() => "--:")
      .join("|")}|`,
    ...rows.map(line),
  ].join("\n");
}
