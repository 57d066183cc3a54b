// The shelf of integrations: how each outside service signs, what its messages mean, and what it is told of a run.
export { nextTimes } from "./schedule-times.ts";
export { type Firing, toRunInput } from "./trigger-run.ts";
export {
  makeSigningSecret,
  rotateKeys,
  type SigningKey,
  signDelivery,
  waitAfter,
  whyNoSigningSecret,
} from "./webhook-out.ts";
