// Asks for an API key. The link that `npm start` prints brings one, so most people never see this form.
import { type FormEvent, useState } from "react";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { Notice, ProblemNotice, Spinner } from "../parts/notice.tsx";
import type { Problem } from "../state/problem.ts";
import { askAgain, enterKey } from "../state/sign-in.ts";
import { useWords } from "../state/words.ts";
import { Brand } from "./brand.tsx";
import styles from "./sign-in.module.css";
import { words } from "./words.ts";

export function SignIn({ refused }: { refused: "unknown" | "ended" | null }) {
  const said = useWords(words);
  const [key, setKey] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key.trim() !== "") enterKey(key.trim());
  };
  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={submit}>
        <Brand />
        <p className={styles.about}>{said.about}</p>
        {refused && <Notice tone="bad">{refused === "ended" ? said.keyEnded : said.keyRefused}</Notice>}
        <TextField
          label={said.key}
          hint={said.keyHint}
          type="password"
          autoComplete="current-password"
          required
          autoFocus
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
        <Button look="primary" type="submit">
          {said.signIn}
        </Button>
      </form>
    </main>
  );
}

/** Shown while the server checks a key, and when it can't say whose the key is. */
export function Arriving({ problem }: { problem: Problem | null }) {
  const said = useWords(words);
  return (
    <main className={styles.page}>
      {problem === null ? (
        <p className={styles.arriving} role="status">
          <Spinner /> {said.signingIn}
        </p>
      ) : (
        <div className={styles.card}>
          <Brand />
          <ProblemNotice problem={problem} />
          <Button look="primary" onClick={askAgain}>
            {said.retry}
          </Button>
        </div>
      )}
    </main>
  );
}
