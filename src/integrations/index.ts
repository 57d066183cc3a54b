// The shelf of integrations: how each outside service signs, what its messages mean, and what it is told of a run.
export { readHops, type ToldHops } from "./hops.ts";
export { findScheduleFault, lastDue, nextTimes, tellDue } from "./schedule-times.ts";
export { readAction, type SlackAction, stopButton } from "./slack-actions.ts";
export { type CallSlack, createSlackCaller, type SlackAnswer } from "./slack-api.ts";
export { announceCommand, explainCommand, readCommand, replyPrivately, type SlackCommand } from "./slack-commands.ts";
export { readSlackEvent, type SlackEvent, type SlackMessageEvent } from "./slack-events.ts";
export {
  FORM_CHARACTERS,
  FORM_FIELD,
  type PressedPlace,
  readInteraction,
  type SlackInteraction,
  toForm,
} from "./slack-interactions.ts";
export {
  authorizeAddress,
  readAccess,
  readIdentity,
  type SlackGrant,
  slackScopes,
} from "./slack-oauth.ts";
export {
  type AskedRun,
  askQuestions,
  canKeep,
  choicesOf,
  closeQuestions,
  closeShown,
  type GivenAnswer,
  readAnswers,
  readLink,
  type SlackMessage,
  toResume,
} from "./slack-questions.ts";
export { idOfAnswer, readAnswered, saidAt, threadOfPlace, toAnswerRun, toCommandRun, toSaidRun } from "./slack-run.ts";
export { nextStep, type Showing } from "./slack-show.ts";
export { applyAnswer, nothingShown, recoverShown, type Shown, type Step } from "./slack-shown.ts";
export { checkSignature } from "./slack-signature.ts";
export { addEvent, emptyView, type SlackView } from "./slack-view.ts";
export { mentions, toContent } from "./slack-words.ts";
export { type Firing, toRunInput } from "./trigger-run.ts";
export { readThreadKey, writeMessage, writeTitle } from "./webhook-message.ts";
export {
  makeSigningSecret,
  rotateKeys,
  type SigningKey,
  signDelivery,
  waitAfter,
  whyNoSigningSecret,
} from "./webhook-out.ts";
export { type Payload, payloadOf, readPayload } from "./webhook-payload.ts";
export { type Piece, parseKey, parseTemplate } from "./webhook-picks.ts";
export { findSecretFault, makeSecret } from "./webhook-secret.ts";
export { fillHmac, type VerifiedDelivery, verifyDelivery } from "./webhook-verify.ts";
