// A call that waits for approval: what would be done, character by character, and the decision. Its arguments can be
// edited before it is approved.
import { useState } from "react";
import { type Approval, approveCall, listArguments } from "../client/interrupts.ts";
import { revealText } from "../client/reveal.ts";
import { inputClass } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import { Decision } from "./decision.tsx";
import { Deadline } from "./expiry.tsx";
import styles from "./form.module.css";
import { Revealed } from "./revealed.tsx";
import { words } from "./words.ts";

/** A number or a boolean is shown beside its name. */
const shortCharacters = 24;

export function ApprovalPart({ asked }: { asked: Approval }) {
  const said = useWords(words);
  const [changed, setChanged] = useState<Record<string, string>>({});
  const texts = listArguments(asked.editable ?? {}).filter(({ isText }) => isText);
  const isChanged = Object.entries(changed).some(([name, text]) => asked.editable?.[name] !== text);
  return (
    <fieldset className={styles.part}>
      <legend className={styles.legend}>{said.mayRun}</legend>
      <Deadline expires={asked.expires} />
      <Call asked={asked} />
      {asked.why !== null && asked.arguments !== null && <p className={styles.why}>{revealText(asked.why)}</p>}
      {texts.length > 0 && (
        <details className={styles.changes}>
          <summary>{said.changeFirst}</summary>
          {texts.map(({ name, text }) => (
            <Change
              key={name}
              name={name}
              text={text}
              isAlone={texts.length === 1}
              onChange={(now) => setChanged((before) => ({ ...before, [name]: now }))}
            />
          ))}
        </details>
      )}
      <Decision id={asked.id} approve={() => approveCall(asked, changed)} changed={isChanged} approvable />
    </fieldset>
  );
}

function Call({ asked: { tool, arguments: given, message } }: { asked: Approval }) {
  if (tool === null || given === null) return <Revealed text={message} />;
  const listed = listArguments(given);
  // A single argument is the call itself and needs no name.
  const [only] = listed.length === 1 ? listed : [];
  return (
    <div className={styles.call}>
      <p className={styles.tool}>{tool}</p>
      {only ? (
        <Revealed text={only.text} />
      ) : (
        listed.map(({ name, text, isText }) => (
          <div key={name} className={isText || text.length > shortCharacters ? styles.call : styles.short}>
            <p className={styles.argument}>{name}</p>
            <Revealed text={text} />
          </div>
        ))
      )}
    </div>
  );
}

/** A text field normalizes line ends. Only what a person typed counts as an edit, so the field keeps its own text. */
function Change({
  name,
  text,
  isAlone,
  onChange,
}: {
  name: string;
  text: string;
  isAlone: boolean;
  onChange: (text: string) => void;
}) {
  const field = (
    <textarea
      className={`${inputClass} ${styles.change}`}
      rows={1}
      spellCheck={false}
      dir="ltr"
      aria-label={name}
      defaultValue={text}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
  if (isAlone) return field;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the field stands in it
    <label className={styles.call}>
      <span className={styles.argument}>{name}</span>
      {field}
    </label>
  );
}
