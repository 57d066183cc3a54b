// Says that the server did not end the session: the person is still signed in.
import { Button } from "../parts/button.tsx";
import { ProblemNotice } from "../parts/notice.tsx";
import type { Problem } from "../state/problem.ts";
import { signOutProblem } from "../state/sign-in.ts";
import { useWords } from "../state/words.ts";
import styles from "./key-offer.module.css";
import { words } from "./words.ts";

export function StillIn({ problem }: { problem: Problem }) {
  const said = useWords(words);
  const shown = { ...problem, text: `${said.stillIn} ${problem.text}` };
  return (
    <div className={styles.notice}>
      <ProblemNotice
        problem={shown}
        action={
          <Button small look="quiet" onClick={() => signOutProblem.set(null)}>
            {said.gotIt}
          </Button>
        }
      />
    </div>
  );
}
