// `npm run deploy -- --rollback`: the version before, or the one that is named, serves all requests again. The database
// stays as it is: migrations only add.
import { type Deployed, writeDeployed } from "./deployed.ts";
import { Failure } from "./failure.ts";
import { askHealth, type HealthTimes } from "./health.ts";
import { commandFor } from "./place.ts";
import { runStep } from "./report.ts";
import { findAdminKey, type Secrets } from "./secrets.ts";
import { describeRefusal, findRunning, isAtTerminal, type Run } from "./steps.ts";

export async function rollBack(
  run: Run,
  former: Deployed | null,
  version: string | null,
  secrets: Secrets | null,
  times?: HealthTimes,
): Promise<void> {
  const { wrangler, report, place, deployment, options, configPath } = run;
  const to = version ?? "the version before";
  if (options.isDry) {
    const running = await findRunning(run);
    report.would("worker", `would roll ${deployment.name} back from ${running ?? "no version"} to ${to}`);
    return;
  }
  const args = ["rollback", ...(version === null ? [] : [version]), "--config", configPath];
  const message = ["--message", "npm run deploy -- --rollback"];
  const url = options.url ?? former?.url ?? null;
  const running = await runStep("worker", async () => {
    const done = await wrangler.run([...args, ...message, ...(isAtTerminal() ? [] : ["--yes"])], {
      isAsking: isAtTerminal(),
    });
    if (version === null && /Could not find stable Worker Version/.test(done.tail)) {
      throw new Failure(
        `${deployment.name} has no earlier version that served all requests`,
        `\`npx wrangler versions list --name ${deployment.name}\` lists what there is: name one, --rollback VERSION.`,
      );
    }
    if (done.code !== 0 && hasNoWorker(done.tail)) {
      throw new Failure(
        `the account has no Worker ${deployment.name}, so there is nothing to roll back`,
        `\`${commandFor(place, "deploy")}\` makes one. If it has another name, say so in own.toml: \`name = "…"\`.`,
      );
    }
    if (done.code !== 0) throw describeRefusal(done, `${deployment.name} can't be rolled back`);
    return await findRunning(run);
  });
  // The next deploy uploads again.
  await writeDeployed(place, { name: deployment.name, url: former?.url ?? null, version_id: null, fingerprint: null });
  report.done("worker", `${deployment.name} runs version ${running}`);
  if (url === null) return report.note("no address is known here: --url names the one to ask.");
  const { lines } = await runStep("health", () => askHealth(url, findAdminKey(secrets), times));
  report.done("health", lines.length === 0 ? `${url}/healthz answers` : lines.join("\n"));
}

function hasNoWorker(tail: string): boolean {
  return /This Worker does not exist on your account|\[code: 10007\]/.test(tail);
}
