// The ports of a delivery, made from the bindings.
import { configOf, type Env } from "../../config.ts";
import { sendAnywhere, sendThrough } from "../../lib/network/send.ts";
import { clock } from "../../thread/ports.ts";
import type { DeliveryPorts } from "./deliver-webhook.ts";

export function deliveryPorts(env: Env): DeliveryPorts {
  const { encryption_keys, private_urls_allowed } = configOf(env);
  return {
    database: env.DB,
    encryption_keys,
    private_urls_allowed,
    fetch: private_urls_allowed ? sendAnywhere : sendThrough(env.PUBLIC_NETWORK),
    sendJob: async (job, delay_ms) => {
      await env.JOBS.send(job, { delaySeconds: Math.ceil(delay_ms / 1000) });
    },
    clock,
    random: Math.random,
  };
}
