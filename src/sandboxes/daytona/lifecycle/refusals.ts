// Says why there is no sandbox, in sentences for the model and for people.
import { readFailure } from "../client/failure.ts";

/** The longest reason from Daytona that is passed on. */
const MAX_REASON_CHARACTERS = 300;

export function describeLate(state: string, refusal: string, begun: number): string {
  const because = refusal === "" ? "" : ` Daytona says: ${refusal}.`;
  const where = state === "none" ? "Daytona does not show it" : `its state is "${state}"`;
  const seconds = Math.round((Date.now() - begun) / 1000);
  return `The sandbox did not start within ${seconds} seconds; ${where}.${because} Try again in a few minutes.`;
}

export function describeBroken(state: string, reason: string | undefined): string {
  const because = reason ? `: ${reason.slice(0, MAX_REASON_CHARACTERS)}` : "";
  return `The sandbox is in the state "${state}" and could not be recovered${because}. Delete it to get a new one.`;
}

export function describeFailedBuild(reason: string | undefined, log: string): string {
  const because = reason ? `: ${reason.slice(0, MAX_REASON_CHARACTERS)}` : "";
  const lines = log === "" ? "" : ` The end of its log:\n${log}`;
  return `The sandbox's image could not be built${because}. Change the project's image or dockerfile.${lines}`;
}

/** Daytona refuses an order during another change: with 409, or in the words of a 400. */
export function isCollision(error: unknown): boolean {
  const { status, reason, is_state_error } = readFailure(error);
  return !is_state_error && (status === 409 || (status === 400 && /state change/i.test(reason)));
}

/**
 * Why Daytona refused an order. Null if the order collided with a change, whose result the state shows. `may_pass`: it
 * may be accepted later, since a start during another change is a 400, as a quota that is exceeded is.
 */
export function readRefusal(error: unknown): { reason: string; may_pass: boolean } | null {
  const { is_state_error, status, reason } = readFailure(error);
  if (is_state_error || status === 404 || status === 408 || status === 409) return null;
  const text = reason === "" ? `status ${status}` : reason;
  return { reason: text, may_pass: status === 400 && /valid state|state change/i.test(text) };
}

/** For each kind of refusal, what its reader can do. The first that fits is said. */
const advice: [refusal: RegExp, what: (target: string | null) => string][] = [
  [/region not found|default region|not available (?:to the organization|in region)|only ephemeral/i, describeTarget],
  [/no available runners/i, () => "No machine of the region has room for it now. Try again in a few minutes."],
  [/limit exceeded|quota|exceeds maximum/i, () => "Delete sandboxes that are not needed, or ask for less."],
  [/suspended/i, () => "Whoever runs this server has to settle that with Daytona."],
];

/** Daytona's refusals don't say what to do. */
export function addAdvice(reason: string, target: string | null = null): string {
  const [, say] = advice.find(([refusal]) => refusal.test(reason)) ?? [];
  return say === undefined ? reason : `${reason.replace(/([^.!?])$/, "$1.")} ${say(target)}`;
}

function describeTarget(target: string | null): string {
  const asked = target === null ? "No target is set" : `The target is "${target}"`;
  return `${asked}. Set the project's target, or DAYTONA_TARGET, to a region of this Daytona.`;
}

export function describeHidden(name: string): string {
  return (
    `Daytona says that there is a sandbox named ${name}, and does not show it. ` +
    "Try again in a minute, or look for it in Daytona."
  );
}
