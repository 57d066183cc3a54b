// Makes the tracing of a life from the settings. Null while no address is set: then nothing else of this folder runs.
import type { Config } from "../config.ts";
import type { Timers } from "../lib/time-limit.ts";
import { describeServedModel } from "../models/index.ts";
import { createExporter } from "./exporter.ts";
import { createTracing, type Tracing } from "./tracing.ts";

type Clock = Timers & { now(): number };

/** The address is the operator's setting, as those of model servers are, so it may be in a private network. */
export function openTracing({ traces, models }: Config, clock: Clock, send: typeof fetch = fetch): Tracing | null {
  if (traces === null) return null;
  const { service_name, resource } = traces;
  const head = {
    resource: { ...resource, "service.name": service_name },
    scope: { name: "taskloom" },
  };
  const exporter = createExporter(traces, head, {
    post: (url, init) => send(url, init),
    now: () => clock.now(),
    sleep: (ms) => new Promise((resolve) => void clock.setTimer(resolve, ms)),
  });
  return createTracing({
    settings: traces,
    exporter,
    now: () => clock.now(),
    describeModel: (name) => ({ ...describeServedModel(models, name) }),
  });
}
