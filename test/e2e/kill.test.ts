// Kills the whole runtime in every phase of running runs; `npm run chaos` does so three hundred times.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Findings, runCampaign } from "../chaos/campaign.ts";
import { phases } from "../chaos/phases.ts";
import { countPhases, formatFindings, formatKill } from "../chaos/table.ts";

/** A kill that is aimed at one phase may meet another, or two at once. */
const MAX_KILLS = 2 * phases.length;

let findings: Findings;
const stop = new AbortController();

beforeAll(async () => {
  findings = await runCampaign({
    kills: MAX_KILLS,
    seed: 20_261_124,
    runsAtOnce: 2,
    background: 0,
    anyMoment: 0,
    enough: 1,
    hasty: 0,
    late: 0.2,
    quietEvery: 0,
    onKill: (kill) => console.log(formatKill(kill)),
    signal: stop.signal,
  });
  console.log(formatFindings(findings));
}, 180_000);

afterAll(() => stop.abort());

describe("a runtime that is killed until each phase was met", () => {
  it("is killed in every phase of a run", () => {
    const counts = countPhases(findings.kills);
    for (const phase of phases) expect(counts.get(phase), phase).toBeGreaterThanOrEqual(1);
  });

  it("brings every run to its end, with nothing lost and nothing doubled", () => {
    expect(findings.violations).toEqual([]);
    expect(findings.runs).toBeGreaterThan(2);
  });

  it("lets readers continue where they were, or with a resync", () => {
    expect(findings.connections).toBeGreaterThan(findings.kills.length);
  });
});
