// Whether finished work is as it should be: yes or no, with a note that the agent reads after a no. Alone it is two
// buttons; among other questions it is a choice that is sent with theirs.
import { Check, X } from "lucide-react";
import { useState } from "react";
import { type Judgement, judge } from "../client/interrupts.ts";
import { Button } from "../parts/button.tsx";
import { NoteField } from "../parts/note-field.tsx";
import { useWords } from "../state/words.ts";
import { Deadline } from "./expiry.tsx";
import styles from "./form.module.css";
import { useForm, useReading } from "./part.ts";
import { words } from "./words.ts";

export function JudgementPart({ asked: { id, message, tasks, expires } }: { asked: Judgement }) {
  const said = useWords(words);
  const { lone, give } = useForm();
  const [note, setNote] = useState("");
  const [choice, setChoice] = useState<boolean | null>(null);
  useReading(id, () => (lone ? judge(id, false, note) : choice === null ? null : judge(id, choice, note)));
  const makeRadio = (value: boolean) => ({
    type: "radio",
    name: `judgement ${id}`,
    required: true,
    checked: choice === value,
    onChange: () => setChoice(value),
  });
  return (
    <fieldset className={styles.part}>
      <legend className={styles.legend} dir="auto">
        {message}
      </legend>
      <Deadline expires={expires} />
      {tasks !== null && (
        <p className={styles.why} dir="auto">
          {said.ofTasks(tasks)}
        </p>
      )}
      <div className={styles.decision}>
        {lone ? (
          <>
            <Button look="primary" icon={Check} onClick={() => give(judge(id, true, note))}>
              {said.yes}
            </Button>
            {/* The only submit button is the one that says no: Enter after a note must not verify anything. */}
            <Button look="plain" icon={X} type="submit">
              {said.no}
            </Button>
          </>
        ) : (
          <>
            <label className={styles.radio}>
              <input {...makeRadio(true)} />
              {said.yes}
            </label>
            <label className={styles.radio}>
              <input {...makeRadio(false)} />
              {said.no}
            </label>
          </>
        )}
        <NoteField label={said.note} className={styles.reason} note={note} onChange={setNote} />
      </div>
    </fieldset>
  );
}
