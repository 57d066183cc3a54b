// Formats the output: a line per kill, and the findings as Markdown at the end.
import type { Findings, Kill } from "./campaign.ts";
import { type Met, phases } from "./phases.ts";

export function formatKill({ number, aim, hits, up_ms, first_event_ms, quiet }: Kill): string {
  const met = hits.map(({ run, phases: found }) => `${run} ${found.join(" and ")}`).join(" · ") || "no run at work";
  const events =
    first_event_ms.length === 0
      ? ""
      : ` · ${quiet ? "awake" : "first event"} +${first_event_ms.map(Math.round).join("/")} ms`;
  return `kill ${String(number).padStart(3)} · ${met} · (aimed at ${aim}) · up ${Math.round(up_ms)} ms${events}`;
}

export function countPhases(kills: Kill[]): Map<Met, number> {
  const counts = new Map<Met, number>([...phases, "queued" as const].map((phase) => [phase, 0]));
  for (const { phases: found } of kills.flatMap(({ hits }) => hits)) {
    for (const phase of found) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  return counts;
}

export function formatFindings({ kills, runs, maxKillsPerRun, connections, resyncs, violations }: Findings): string {
  const count = (kind: string): number => violations.filter((violation) => violation.kind === kind).length;
  const usual = kills.filter(({ quiet }) => !quiet);
  const fromStart = usual.flatMap(({ up_ms, first_event_ms }) => first_event_ms.map((ms) => up_ms + ms));
  const rows: [string, string | number][] = [
    ["kills", kills.length],
    ...countPhases(kills),
    ["met while no run was at work", kills.filter(({ hits }) => hits.length === 0).length],
    ["runs", runs],
    ["most kills under one run", maxKillsPerRun],
    ["connections of readers, resyncs among them", `${connections}, ${resyncs}`],
    ["lost", count("lost")],
    ["doubled", count("doubled")],
    ["wrong otherwise", count("wrong")],
    ["process to first healthy answer, p50 / p95", formatQuantiles(kills.map(({ up_ms }) => up_ms))],
    [
      "healthy to a run's first new event, p50 / p95",
      formatQuantiles(usual.flatMap(({ first_event_ms }) => first_event_ms)),
    ],
    ["process to a run's first new event, p50 / p95", formatQuantiles(fromStart)],
    [
      "healthy to a run's first request, woken by its alarm alone, p50 / max",
      formatWaking(kills.filter(({ quiet }) => quiet).flatMap(({ first_event_ms }) => first_event_ms)),
    ],
  ];
  const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
  const found = violations.map(({ kind, run, what }) => `${kind}: ${run}: ${what.slice(0, 1_000)}`);
  return [...table, ...found].join("\n");
}

function formatQuantiles(values: number[]): string {
  return values.length === 0 ? "–" : `${Math.round(quantile(values, 0.5))} / ${Math.round(quantile(values, 0.95))} ms`;
}

function formatWaking(values: number[]): string {
  if (values.length === 0) return "–";
  return `${(quantile(values, 0.5) / 1000).toFixed(1)} / ${(Math.max(...values) / 1000).toFixed(1)} s`;
}

function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
