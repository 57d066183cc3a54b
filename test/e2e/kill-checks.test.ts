// Kills the whole runtime during checks of tasks; `npm run chaos -- --checks --kills 200` does so two hundred times.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProofCampaign } from "../chaos/proven/campaign.ts";
import { formatProofFindings, type ProofFindings } from "../chaos/proven/findings.ts";

const KILLS = 6;

let findings: ProofFindings;
const stop = new AbortController();

beforeAll(async () => {
  const onKill = (line: string) => console.log(line);
  findings = await runProofCampaign({ kills: KILLS, seed: 7, runsAtOnce: 2, onKill, signal: stop.signal });
  console.log(formatProofFindings(findings));
}, 240_000);

afterAll(() => stop.abort());

describe(`a runtime that is killed ${KILLS} times during checks`, () => {
  it("closes no task without its receipt, and stores none twice", () => {
    expect(findings.violations).toEqual([]);
  });

  it("was killed while checks ran, and brought each run to its end", () => {
    expect(findings.kills).toBe(KILLS);
    expect(findings.met.task).toBeGreaterThan(0);
    expect(findings.over).toBe(findings.runs);
    expect(findings.commands).toBeGreaterThan(0);
  });
});
