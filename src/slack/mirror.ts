// Implements `RunMirror` for Slack: turns the decisions of `show` into steps for the thread, and makes the calls.
import type { MirrorStep, RunMirror, Sent } from "../agent/mirror.ts";
import type { Result } from "../protocol/error.ts";
import type { SlackPlace } from "../protocol/slack.ts";
import type { CallSlack } from "./api.ts";
import { readAnswered } from "./run.ts";
import { nextStep, type SlackQuestion } from "./show/show.ts";
import { applyAnswer, type Call, nothingShown, recoverShown, type Shown, type Step } from "./show/shown.ts";
import type { ConnectedWorkspace } from "./workspaces.ts";

export function createSlackMirror(
  open: (user_id: string, team_id: string) => Promise<Result<Pick<ConnectedWorkspace, "workspace" | "call">>>,
): RunMirror<SlackPlace, Shown, SlackQuestion> {
  return {
    kind: "slack",
    name: "Slack",
    nothing: nothingShown,
    async open(user_id, { team_id }) {
      const opened = await open(user_id, team_id);
      if (!opened.ok) return opened;
      const { workspace, call } = opened.value;
      const bot = workspace.bot_user_id;
      return {
        ok: true,
        value: {
          next(showing, now) {
            const shown = recoverShown(showing.shown);
            const step = nextStep({ ...showing, shown, bot }, now);
            const isSaid = showing.view.end !== null && now >= shown.blockedUntil;
            return step.kind === "wait" ? { ...step, isSaid } : toCall(call, shown, step);
          },
        },
      };
    },
    joinPlaces: (former, given) => ({ ...given, newest_ts: newestOf([given.newest_ts, former.newest_ts]) }),
    // The next run looks for its own messages after these, so that it does not adopt one of this run's.
    placeAfter: (place, { pages, question, control }) => ({
      ...place,
      newest_ts: newestOf([place.newest_ts, ...pages.map(({ ts }) => ts), question ?? "0", control ?? "0"]),
    }),
    question: ({ question }) => (question === null ? null : { ts: question }),
    // The route that accepts an answer by button removes the buttons itself.
    isAnswer: (metadata) => readAnswered(metadata).size > 0,
  };
}

function toCall(call: CallSlack, shown: Shown, step: Exclude<Step, { kind: "wait" }>): MirrorStep<Shown> {
  if (step.kind === "over") return step;
  const before: Shown = { ...shown, doing: { kind: step.kind, page: step.page } };
  return { kind: "call", before, send: (now) => send(call, before, step, now) };
}

async function send(
  call: CallSlack,
  before: Shown,
  step: Extract<Step, Call>,
  now: () => number,
): Promise<Sent<Shown>> {
  const answer = await call(step.method, step.fields);
  const shown = applyAnswer(before, step, answer, now());
  if (answer.kind === "refused") {
    const problem = `Slack refused ${step.method}: ${answer.error}`;
    return shown === null ? { gone: `${step.method}: ${answer.error}`, problem } : { shown, problem };
  }
  if (shown === null) return { gone: `${step.method}: refused` };
  return answer.kind === "unknown" ? { shown, problem: `Slack: ${answer.reason}` } : { shown };
}

function newestOf(times: string[]): string {
  return times.reduce((one, other) => (Number(other) > Number(one) ? other : one));
}
