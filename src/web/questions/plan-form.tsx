// A proposed plan as a form: everything in it can be reworded, added, removed and moved, with the keyboard too. A draft
// holds its state.
import { useLayoutEffect, useRef, useState } from "react";
import { approvePlan, draftFor, type PlanApproval } from "../client/interrupts.ts";
import { addSection, isChanged, type PlanDraft, type PlanSection, problemOf } from "../client/plan-draft.ts";
import { Button } from "../parts/button.tsx";
import { useWords } from "../state/words.ts";
import { Decision } from "./decision.tsx";
import { Deadline } from "./expiry.tsx";
import styles from "./form.module.css";
import rowStyles from "./plan-rows.module.css";
import { focusRow, PlanRows } from "./plan-rows.tsx";
import { Revealed } from "./revealed.tsx";
import { words } from "./words.ts";

export function PlanPart({ asked }: { asked: PlanApproval }) {
  const said = useWords(words);
  const [draft, setDraft] = useState(() => draftFor(asked));
  const { sections } = asked;
  const isWhole = draft !== null && sections !== null;
  const changed = isWhole && isChanged(draft, sections);
  // What the server proposed, it also accepts.
  const fault = changed ? problemOf(draft) : null;
  return (
    <fieldset className={styles.part}>
      <legend className={styles.legend}>{said.planRight}</legend>
      <Deadline expires={asked.expires} />
      {isWhole ? (
        <PlanFields draft={draft} proposed={sections} asked={asked} onChange={setDraft} />
      ) : (
        <Revealed text={asked.proposed === undefined ? asked.message : JSON.stringify(asked.proposed, null, 2)} />
      )}
      <p className={styles.problem} role="status">
        {fault !== null && said.planProblems[fault]}
      </p>
      <Decision id={asked.id} approve={() => approvePlan(asked, draft)} changed={changed} approvable={fault === null} />
    </fieldset>
  );
}

function PlanFields({
  draft,
  proposed,
  asked,
  onChange,
}: {
  draft: PlanDraft;
  proposed: PlanSection[];
  asked: PlanApproval;
  onChange: (draft: PlanDraft) => void;
}) {
  const said = useWords(words);
  const rows = useRef<HTMLDivElement>(null);
  const focus = useRef<string | null>(null);
  useLayoutEffect(() => {
    if (focus.current !== null && rows.current) focusRow(rows.current, focus.current);
    focus.current = null;
  });
  const change = (next: PlanDraft, control?: string): void => {
    // Nothing moves at an edge, so nothing is drawn that would return the focus.
    if (next === draft) return;
    focus.current = control ?? null;
    onChange(next);
  };
  const restore = (): void => {
    const first = draftFor(asked);
    if (first) change(first, `text ${first.sections[0]?.key}`);
  };
  return (
    <div className={rowStyles.plan}>
      <div ref={rows} className={rowStyles.rows} aria-live="off">
        <PlanRows draft={draft} onChange={change} />
      </div>
      <div className={rowStyles.foot}>
        <Button look="quiet" small onClick={() => change(addSection(draft), `text ${draft.next}`)}>
          {said.addSection}
        </Button>
        {isChanged(draft, proposed) && (
          <Button look="quiet" small onClick={restore}>
            {said.asProposed}
          </Button>
        )}
        <span className={rowStyles.keys}>{said.planKeys}</span>
      </div>
    </div>
  );
}
