// A thread without messages: what the product is for, and three example requests.
import { useWords } from "../state/words.ts";
import styles from "./pane.module.css";
import { words } from "./words.ts";

/** `onChoose` is null for a key that may only read. */
export function Welcome({ onChoose }: { onChoose: ((text: string) => void) | null }) {
  const said = useWords(words);
  return (
    <div className={styles.welcome}>
      <h2>{onChoose ? said.welcome : said.choose}</h2>
      {onChoose && <p>{said.welcomeHint}</p>}
      {onChoose && (
        <div className={styles.examples}>
          {said.examples.map((text) => (
            <button key={text} type="button" className={styles.example} onClick={() => onChoose(text)}>
              {text}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
