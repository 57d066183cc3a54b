// The sign-in: with the server's own sign-in where it has one, or with an API key. The link that `npm start` prints
// brings a key, so most people of that server never see this.
import { type FormEvent, lazy, Suspense, useEffect, useState } from "react";
import { Button, buttonLook } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { Notice, ProblemNotice, Spinner } from "../parts/notice.tsx";
import { health, readHealth } from "../state/health.ts";
import { addressNow } from "../state/place.ts";
import type { Problem } from "../state/problem.ts";
import { refusal } from "../state/refusal.ts";
import { askAgain, enterKey, signOut } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { useWords } from "../state/words.ts";
import { Brand } from "./brand.tsx";
import styles from "./sign-in.module.css";
import { words } from "./words.ts";

const Refused = lazy(() => import("./refused.tsx").then(({ Refused }) => ({ default: Refused })));

export function SignIn({ refused }: { refused: "unknown" | "ended" | "session" | null }) {
  const said = useWords(words);
  const [key, setKey] = useState("");
  const name = useStore(health, (found) => found?.sign_in?.name ?? null);
  const code = useStore(refusal);
  useEffect(() => {
    // Where the server can't be reached, the form for the key says so once it is used.
    readHealth().catch(() => {});
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key.trim() !== "") enterKey(key.trim());
  };
  const reasons = { ended: said.keyEnded, session: said.sessionEnded, unknown: said.keyRefused };
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Brand />
        <p className={styles.about}>{said.about}</p>
        {code && (
          <Suspense fallback={null}>
            <Refused code={code} />
          </Suspense>
        )}
        {refused && !code && <Notice tone="bad">{reasons[refused]}</Notice>}
        {name !== null && (
          <>
            <a
              className={`${buttonLook("primary")} ${styles.link}`}
              href={`/auth/sign-in?return_to=${encodeURIComponent(addressNow())}`}
              ref={focusOnce}
            >
              <span dir="auto">{said.signInWith(name)}</span>
            </a>
            <p className={styles.or}>{said.orKey}</p>
          </>
        )}
        <form className={styles.form} onSubmit={submit}>
          <TextField
            label={said.key}
            hint={name === null ? said.keyHint : undefined}
            type="password"
            autoComplete="current-password"
            required
            autoFocus={name === null}
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
          <Button look={name === null ? "primary" : "plain"} type="submit">
            {said.signIn}
          </Button>
        </form>
      </div>
    </main>
  );
}

/** Unless the person is already in the form. */
function focusOnce(link: HTMLAnchorElement | null): void {
  if (document.activeElement === document.body) link?.focus({ preventScroll: true });
}

/** Shown while the server checks a key, and when it can't say whose the key is, or lets its user not in. */
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
          <Button onClick={() => void signOut()}>{said.signOut}</Button>
        </div>
      )}
    </main>
  );
}
