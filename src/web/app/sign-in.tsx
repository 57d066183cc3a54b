// Asks for a key. The address that `npm start` prints brings one along, so most people never see this.
import { type FormEvent, useState } from "react";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { Notice } from "../parts/notice.tsx";
import { keepKey } from "../state/place.ts";
import { useWords } from "../state/words.ts";
import { Brand } from "./brand.tsx";
import styles from "./sign-in.module.css";
import { words } from "./words.ts";

export function SignIn({ isRefused }: { isRefused: boolean }) {
  const said = useWords(words);
  const [key, setKey] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key.trim() !== "") keepKey(key.trim());
  };
  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={submit}>
        <Brand />
        <p className={styles.about}>{said.about}</p>
        {isRefused && <Notice tone="bad">{said.keyRefused}</Notice>}
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
