// The shelf of integrations: how each outside service signs, what its messages mean, and what it is told of a run.
export { nextTimes } from "./schedule-times.ts";
export { type Firing, toRunInput } from "./trigger-run.ts";
export { readThreadKey, writeMessage } from "./webhook-message.ts";
export { type Payload, payloadOf, readPayload } from "./webhook-payload.ts";
export { type Piece, parseTemplate } from "./webhook-picks.ts";
export { findSecretFault, makeSecret } from "./webhook-secret.ts";
export { type VerifiedDelivery, verifyDelivery } from "./webhook-verify.ts";
