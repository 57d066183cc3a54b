// The Worker: requests to the HTTP app, jobs to the queue's consumer, the clock to the sweeper; and the class of its objects.
import type { Env } from "./config.ts";
import { createApp } from "./http/app.ts";
import { consumeJobs } from "./queue/consumer.ts";
import { sweepRuns } from "./queue/cron.ts";

export { ThreadObject } from "./thread/object.ts";

const app = createApp();

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  queue: (batch, env) => consumeJobs(batch, env),
  scheduled: (controller, env) => sweepRuns(env, controller.scheduledTime),
} satisfies ExportedHandler<Env>;
