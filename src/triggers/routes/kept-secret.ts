// Whether a changed trigger can continue with the secret that is stored for it.
import type { AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { openLiveSecrets } from "../../secrets/rotated.ts";
import { findSecretFault } from "../../secrets/signing-secret.ts";
import { readSecret } from "../../store/secrets.ts";
import { secretOf } from "./settings.ts";

/** A changed scheme keeps the existing secret, if that fits. */
export async function checkKeptSecret(context: AppContext, before: Trigger, { settings }: Trigger): Promise<void> {
  const { verify } = settings;
  if (verify === null || verify.scheme === before.settings.verify?.scheme) return;
  const row = await readSecret(context.env.DB, secretOf(before));
  const [current] = unwrap(await openLiveSecrets(context.get("config").encryption_keys, row, Date.now()));
  if (current === undefined || findSecretFault(verify, current) === null) return;
  throw new Problem("invalid_field", "verify: the trigger's secret does not fit this scheme; make a new trigger");
}

/** For a trigger whose secret was taken away, since its maker knew it. */
export async function requireSecret(context: AppContext, trigger: Trigger): Promise<void> {
  if (trigger.type !== "webhook" || (await readSecret(context.env.DB, secretOf(trigger))) !== null) return;
  const remedy = `Give it a new one first: POST /v1/triggers/${trigger.trigger_id}/rotate.`;
  throw new Problem("invalid_operation", `The trigger has no secret. ${remedy}`);
}
