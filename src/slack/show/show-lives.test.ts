// A run in Slack under any fate of calls and lives.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ended, type Fate, more, question, said, show } from "../../../test/fakes/shown-run.ts";
import { SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import { emptyView } from "../../agent/run-view.ts";
import { textForSlack } from "./render.ts";
import { nothingShown } from "./shown.ts";

type Act =
  | { type: "say"; text: string }
  | { type: "new" }
  | { type: "void" }
  | { type: "plan"; tasks: number }
  | { type: "tick" };

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("say" as const),
      text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ type: "say" as const, text: `${"long line of a reply\n".repeat(200)}` }) },
  { weight: 3, arbitrary: fc.constant({ type: "new" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "void" as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("plan" as const), tasks: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.constant({ type: "tick" as const }) },
);
const anyFate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("done" as const) },
  { weight: 4, arbitrary: fc.constantFrom<Fate>("lost before", "lost after", "later", "dies before", "dies after") },
);

describe("a run in Slack, whatever happens to calls and lives", () => {
  it("ends with each word once, in order, and the last state of the plan", () => {
    fc.assert(
      fc.property(
        fc.array(anyAct, { maxLength: 40 }),
        fc.array(anyFate, { maxLength: 60 }),
        fc.boolean(),
        fc.boolean(),
        (acts, fates, refused, asks) => {
          const view = { ...emptyView(), begunAt: 0, planBefore: 0 };
          const channel = new SlackChannel();
          channel.streamsRefused = refused;
          const left = [...fates];
          let shown = nothingShown;
          let now = 0;
          let texts = 0;
          for (const act of acts) {
            if (act.type === "new" || (act.type === "say" && view.texts.length === 0)) said(view, `m${++texts}`, "");
            if (act.type === "say") more(view, view.texts.at(-1)?.id ?? "", act.text);
            if (act.type === "void") view.texts.pop();
            if (act.type === "plan") {
              const tasks = Array.from({ length: act.tasks }, (_, place) => ({
                id: `t${place}`,
                content: "x",
                status: "pending" as const,
              }));
              view.plan = { version: view.plan.version + 1, sections: [{ id: "s", title: "S", tasks }] };
            }
            now += 4_000;
            ({ shown } = show(view, shown, channel, now, () => left.shift() ?? "done"));
          }
          view.end = asks ? ended("interrupted", { interrupts: [question] }) : ended("completed");
          for (let turn = 0; ; turn++) {
            now += 3_600_000;
            const result = show(view, shown, channel, now, () => left.shift() ?? "done");
            shown = result.shown;
            if (result.step.kind === "over") break;
            expect(turn).toBeLessThan(100);
          }
          const plain = channel.said.replace(/\*\*S\*\*[\s\S]*$/, "").trimEnd();
          expect(plain.replaceAll("\n", "")).toBe(textForSlack(view).replaceAll("\n", ""));
          expect(channel.messages.some(({ streaming }) => streaming)).toBe(false);
          expect(JSON.stringify(channel.messages)).not.toContain("taskloom:stop");
          const asking = channel.messages.filter(({ blocks }) => JSON.stringify(blocks).includes("taskloom:choice:0"));
          expect(asking.length).toBe(asks ? 1 : 0);
        },
      ),
      { numRuns: Number(process.env.SLACK_RUNS ?? runCount(300)) },
    );
  });
});
