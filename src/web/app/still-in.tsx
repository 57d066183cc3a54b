// Says that the server did not end the session: the person is still signed in.
import { Button } from "../parts/button.tsx";
import { ProblemNotice } from "../parts/notice.tsx";
import type { Problem } from "../state/problem.ts";
import { signOutProblem } from "../state/sign-in.ts";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./key-offer.module.css";
import { words as frame } from "./words.ts";

const words = defineWords(
  { stillIn: "You are still signed in. The server didn't end your session." },
  { stillIn: "你仍处于登录状态，服务器没有结束会话。" },
);

export function StillIn({ problem }: { problem: Problem }) {
  const said = useWords(words);
  const { gotIt } = useWords(frame);
  const shown = { ...problem, text: `${said.stillIn} ${problem.text}` };
  return (
    <div className={styles.notice}>
      <ProblemNotice
        problem={shown}
        action={
          <Button small look="quiet" onClick={() => signOutProblem.set(null)}>
            {gotIt}
          </Button>
        }
      />
    </div>
  );
}
