// How a deploy ends: it asks the Worker whether all that it needs answers, and says where people sign in.
import { hostname } from "node:os";
import { findSignInKey } from "../start/sign-in-key.ts";
import { askHealth, type HealthTimes } from "./health.ts";
import { commandFor, type Place, readOptional, writeOwn } from "./place.ts";
import { type Report, runStep } from "./report.ts";
import { findAdminKey, type Secrets } from "./secrets.ts";
import type { Run } from "./steps.ts";

export interface Made {
  url: string | null;
}

/** Checks that it works, and says where it is. */
export async function greet(run: Run, { url }: Made, secrets: Secrets | null, times: HealthTimes): Promise<void> {
  const { report, options, place } = run;
  const address = options.url ?? url;
  if (address === null) {
    report.note("the Worker has no address: own.toml needs `routes`, or `workers_dev = true`.");
    return;
  }
  const adminKey = findAdminKey(secrets);
  if (adminKey === null)
    report.note("without ADMIN_API_KEY in secrets.json or the environment only /healthz is asked.");
  const { lines } = await runStep("health", () => askHealth(address, adminKey, times));
  report.done("health", lines.length === 0 ? `${address}/healthz answers` : lines.join("\n"));
  report.say("");
  report.say(`  open     ${await findLink(address, adminKey, place, report)}`);
  report.say(`  update   git pull, then ${commandFor(place, "deploy")}`);
}

/** A link that signs in, for the person at this machine. Logs of CI are read by others. */
async function findLink(url: string, adminKey: string | null, place: Place, report: Report): Promise<string> {
  if (adminKey === null || process.env.CI) return url;
  const file = {
    path: place.key,
    read: () => readOptional(place.key),
    write: (key: string) => writeOwn(place.key, key),
  };
  // Named after this machine: another operator's link stays.
  const name = `npm run deploy on ${hostname()}`.slice(0, 60);
  try {
    const { key, notes } = await findSignInKey({ url, admin_key: adminKey, file, name });
    for (const note of notes) report.note(note);
    return key === adminKey ? url : `${url}/#key=${encodeURIComponent(key)}`;
  } catch (error) {
    report.note(`a key to sign in could not be made: ${(error as Error).message}`);
    return url;
  }
}
