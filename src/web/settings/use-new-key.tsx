// After the admin key has made the first key of its user: the page goes on with that one, because the admin key may not.
import { useState } from "react";
import { Button } from "../parts/button.tsx";
import { Notice } from "../parts/notice.tsx";
import { changeKey } from "../state/sign-in.ts";
import { defineWords, useWords } from "../state/words.ts";

const own = defineWords(
  {
    text: "From now on the admin key only manages users. Copy the new key, then go on with it.",
    use: "Sign in with this key",
    failed: "The server did not confirm the key. Try again.",
  },
  {
    text: "从现在起，管理员密钥只能管理用户。请复制新密钥，然后用它继续。",
    use: "用这个密钥登录",
    failed: "服务器没有确认这个密钥。请重试。",
  },
);

export function UseNewKey({ apiKey }: { apiKey: string }) {
  const said = useWords(own);
  const [state, setState] = useState<"ready" | "busy" | "failed">("ready");
  const use = (): void => {
    setState("busy");
    void changeKey(apiKey).then((isDone) => setState(isDone ? "busy" : "failed"));
  };
  return (
    <Notice
      tone={state === "failed" ? "bad" : "warn"}
      action={
        <Button small look="primary" disabled={state === "busy"} onClick={use}>
          {said.use}
        </Button>
      }
    >
      {state === "failed" ? said.failed : said.text}
    </Notice>
  );
}
