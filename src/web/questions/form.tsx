// The questions of an interrupted run as one form: the server takes the answers to all open questions together. Expired
// questions can only be dismissed.
import { MessageCircleQuestion } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useMemo } from "react";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import type { Conversation } from "../client/conversation.ts";
import { type Asked, goOnWithout, readAsked } from "../client/interrupts.ts";
import { Button } from "../parts/button.tsx";
import { useWords } from "../state/words.ts";
import { ApprovalPart } from "./approval.tsx";
import { BudgetPart } from "./budget.tsx";
import { useExpired } from "./expiry.tsx";
import styles from "./form.module.css";
import { JudgementPart } from "./judgement.tsx";
import { FormContext, type Reading, useForm, useReading } from "./part.ts";
import { PlanPart } from "./plan-form.tsx";
import { QuestionPart } from "./question.tsx";
import { words } from "./words.ts";

export function Questions({
  conversation: { interrupts, items },
  onAnswer,
}: {
  conversation: Pick<Conversation, "interrupts" | "items">;
  onAnswer: (answers: InterruptAnswer[]) => void;
}) {
  const said = useWords(words);
  const asked = useMemo(() => interrupts.map((interrupt) => readAsked(interrupt, items)), [interrupts, items]);
  const readings = useMemo(() => new Map<string, Reading>(), []);
  const lone = asked.length === 1;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const answers = asked.map(({ id }) => readings.get(id)?.() ?? null);
    if (answers.every((each) => each !== null)) onAnswer(answers);
  };
  const press = (event: KeyboardEvent): void => {
    // Enter in one answer must not send the form while others are missing.
    if (!lone && event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
  };
  return (
    <form className={styles.form} data-questions="" aria-label={said.asked} onSubmit={submit} onKeyDown={press}>
      <p className={styles.head}>
        <MessageCircleQuestion size={16} aria-hidden="true" />
        {said.asked}
      </p>
      <FormContext value={{ lone, give: (answer) => onAnswer([answer]), readings }}>
        {asked.map((each) => (
          <div key={each.id} className={styles.item}>
            <Part asked={each} />
          </div>
        ))}
      </FormContext>
      {!lone && (
        <div className={styles.actions}>
          <Button look="primary" type="submit">
            {said.sendAnswers}
          </Button>
        </div>
      )}
    </form>
  );
}

function Part({ asked }: { asked: Asked }) {
  if (useExpired(asked)) return <Expired asked={asked} />;
  switch (asked.kind) {
    case "question":
      return <QuestionPart asked={asked} />;
    case "approval":
      return <ApprovalPart asked={asked} />;
    case "plan_approval":
      return <PlanPart asked={asked} />;
    case "budget":
      return <BudgetPart asked={asked} />;
    case "check":
      return <JudgementPart asked={asked} />;
  }
}

function Expired({ asked: { id, message } }: { asked: Asked }) {
  const said = useWords(words);
  const { lone } = useForm();
  useReading(id, () => goOnWithout(id));
  return (
    <fieldset className={styles.part}>
      <legend className={styles.legend} dir="auto">
        {message}
      </legend>
      <p className={styles.hint} role="status">
        {lone ? said.expired : said.expiredAmongOthers}
      </p>
      {lone && (
        <div className={styles.actions}>
          <Button look="primary" type="submit">
            {said.goOnWithout}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
