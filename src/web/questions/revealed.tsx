// Text that a person is to judge: in the order in which it is read by a program, and with what is not seen made visible.
import { reveal, revealText } from "../client/reveal.ts";
import { useWords } from "../state/words.ts";
import styles from "./form.module.css";
import { words } from "./words.ts";

/** More signs that are not seen than this are no text any more; drawn one by one they would hold up the page. */
const mostMarks = 1000;

export function Revealed({ text }: { text: string }) {
  const said = useWords(words);
  const pieces = reveal(text);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard too */}
      <pre className={styles.asked} dir="ltr" tabIndex={0}>
        {pieces.length > 2 * mostMarks
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
