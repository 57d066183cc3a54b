// Text that a person has to judge: in logical order, with invisible characters made visible.
import { reveal, revealText } from "../client/reveal.ts";
import { useWords } from "../state/words.ts";
import styles from "./form.module.css";
import { words } from "./words.ts";

/** A text with more invisible characters than this is not text; drawing each of them would block the page. */
const maxMarks = 1000;

export function Revealed({ text }: { text: string }) {
  const said = useWords(words);
  const pieces = reveal(text);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard too */}
      <pre className={styles.asked} dir="ltr" tabIndex={0}>
        {pieces.length > 2 * maxMarks
          ? revealText(text)
          : pieces.map(({ text, hidden }, place) =>
              hidden ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
                <mark key={place} className={styles.hidden}>
                  {text}
                </mark>
              ) : (
                text
              ),
            )}
      </pre>
      {pieces.some(({ hidden }) => hidden) && <p className={styles.hint}>{said.hiddenSigns}</p>}
    </>
  );
}
