// A question: suggested answers as buttons, and a field for any other.
import { useState } from "react";
import { answerQuestion, goOnWithout, type Question } from "../client/interrupts.ts";
import { Button } from "../parts/button.tsx";
import { inputClass } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import { Deadline } from "./expiry.tsx";
import styles from "./form.module.css";
import { useForm, useReading } from "./part.ts";
import { words } from "./words.ts";

export function QuestionPart({ asked }: { asked: Question }) {
  const said = useWords(words);
  const { lone, give } = useForm();
  const [text, setText] = useState("");
  useReading(asked.id, () => answerQuestion(asked.id, text));
  const choose = (choice: string): void => {
    setText(choice);
    if (lone) give(answerQuestion(asked.id, choice));
  };
  return (
    <fieldset className={styles.part}>
      <legend className={styles.legend} dir="auto">
        {asked.message}
      </legend>
      <Deadline expires={asked.expires} />
      {asked.choices.length > 0 && (
        <div className={styles.choices}>
          {asked.choices.map((choice) => (
            <button
              key={choice}
              type="button"
              dir="auto"
              className={styles.choice}
              // Where other questions are open too, a choice is kept until they are answered, and stays marked.
              aria-pressed={lone ? undefined : choice === text.trim()}
              onClick={() => choose(choice)}
            >
              {choice}
            </button>
          ))}
        </div>
      )}
      <input
        type="text"
        dir="auto"
        className={inputClass}
        aria-label={asked.message || said.yourAnswer}
        placeholder={said.yourAnswer}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {lone && (
        <div className={styles.actions}>
          <Button look="primary" type="submit">
            {said.answer}
          </Button>
          <Button look="quiet" onClick={() => give(goOnWithout(asked.id))}>
            {said.skip}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
