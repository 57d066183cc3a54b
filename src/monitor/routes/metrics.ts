// Metrics for Prometheus. What was read is remembered for a moment: several scrapers cost D1 one look.
import type { App } from "../../http/context.ts";
import { addOperation } from "../../http/operation.ts";
import { VERSION } from "../../http/version.ts";
import { clock } from "../../thread/ports.ts";
import { CONTENT_TYPE, formatMetrics } from "../exposition.ts";
import { describeState } from "../metrics.ts";
import { type DeploymentState, readState } from "../state.ts";
import { stateFrom } from "./report.ts";

const REMEMBERED_MS = 15_000;

export function addMetrics(app: App): void {
  let known: DeploymentState | null = null;
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/metrics",
      tag: "Server",
      summary: "Read metrics for Prometheus",
      description:
        "Prometheus's text format. All are gauges, of now or of the named time, over all users, and name none. What was read is remembered for 15 seconds. While the database fails, `taskloom_up` says so.",
      scope: "admin",
      answers: { 200: { description: "The metrics.", text: "text/plain" } },
    },
    async (context) => {
      const now = Date.now();
      const isFresh = known !== null && now >= known.at && now - known.at < REMEMBERED_MS;
      const state = isFresh && known !== null ? known : await readState(stateFrom(context.env, clock));
      // An outage is looked at anew.
      if (state.overview !== null) known = state;
      const { caps, database_limit } = context.get("config");
      const metrics = describeState(state, { version: VERSION, caps, database_limit, now: Date.now() });
      return context.body(formatMetrics(metrics), 200, { "content-type": CONTENT_TYPE });
    },
  );
}
