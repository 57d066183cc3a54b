// A thread without messages: what the product is for, and three example requests.
import { useWords } from "../state/words.ts";
import { AgentChoice } from "./agent-choice.tsx";
import styles from "./pane.module.css";
import { words } from "./words.ts";

export function Welcome({ onChoose }: { onChoose: (text: string) => void }) {
  const said = useWords(words);
  return (
    <div className={styles.welcome}>
      <h2>{said.welcome}</h2>
      <p>{said.welcomeHint}</p>
      <div className={styles.examples}>
        {said.examples.map((text) => (
          <button key={text} type="button" className={styles.example} onClick={() => onChoose(text)}>
            {text}
          </button>
        ))}
      </div>
      <AgentChoice />
    </div>
  );
}
