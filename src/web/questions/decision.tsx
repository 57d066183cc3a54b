// Approve or decline, with a reason. Alone it is two buttons; among other questions it is a choice that is sent with
// theirs.
import { Check, X } from "lucide-react";
import { useState } from "react";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { decline } from "../client/interrupts.ts";
import { Button } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import styles from "./form.module.css";
import { useForm, useReading } from "./part.ts";
import { words } from "./words.ts";

interface Decided {
  id: string;
  approve(): InterruptAnswer;
  /** The label says so where something was edited. */
  changed: boolean;
  /** A value that can't be approved can only be declined. */
  approvable: boolean;
}

/** A reason is a few sentences, which the model reads unchanged. */
const maxReasonCharacters = 1000;

export function Decision(decided: Decided) {
  const { lone } = useForm();
  return lone ? <Buttons {...decided} /> : <Choice {...decided} />;
}

function Buttons({ id, approve, changed, approvable }: Decided) {
  const said = useWords(words);
  const { give } = useForm();
  const [reason, setReason] = useState("");
  useReading(id, () => decline(id, reason));
  return (
    <div className={styles.decision}>
      <Button look="primary" icon={Check} disabled={!approvable} onClick={() => give(approve())}>
        {changed ? said.approveChanged : said.approve}
      </Button>
      {/* The only submit button is the one that declines: Enter after a reason must not approve. */}
      <Button look="plain" icon={X} type="submit">
        {said.decline}
      </Button>
      <Reason value={reason} onChange={setReason} />
    </div>
  );
}

function Choice({ id, approve, changed, approvable }: Decided) {
  const said = useWords(words);
  const [reason, setReason] = useState("");
  const [choice, setChoice] = useState<"approve" | "decline" | null>(null);
  if (choice === "approve" && !approvable) setChoice(null);
  useReading(id, () => (choice === "approve" ? approve() : choice === "decline" ? decline(id, reason) : null));
  const makeRadio = (value: "approve" | "decline") => ({
    type: "radio",
    name: `decision ${id}`,
    required: true,
    checked: choice === value,
    onChange: () => setChoice(value),
  });
  return (
    <div className={styles.decision}>
      <label className={styles.radio}>
        <input {...makeRadio("approve")} disabled={!approvable} />
        {changed ? said.approveChanged : said.approve}
      </label>
      <label className={styles.radio}>
        <input {...makeRadio("decline")} />
        {said.decline}
      </label>
      <Reason
        value={reason}
        onChange={(text) => {
          setReason(text);
          if (text.trim() !== "") setChoice("decline");
        }}
      />
    </div>
  );
}

function Reason({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const { declineReason } = useWords(words);
  return (
    <input
      type="text"
      dir="auto"
      className={`${inputClass} ${styles.reason}`}
      maxLength={maxReasonCharacters}
      placeholder={declineReason}
      aria-label={declineReason}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
