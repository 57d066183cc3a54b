// After the admin key has made the first key of its user: the page continues with that one, because the admin key may
// not.
import { useState } from "react";
import { Button } from "../parts/button.tsx";
import { Notice } from "../parts/notice.tsx";
import { changeKey } from "../state/sign-in.ts";
import { defineWords, useWords } from "../state/words.ts";

const own = defineWords(
  {
    text: "The admin key now only manages users. Copy the new key, then continue with it.",
    use: "Sign in with this key",
    failed: "The server didn't confirm the key. Try again.",
  },
  {
    text: "管理员密钥现在只能管理用户。请复制新密钥，然后使用新密钥继续。",
    use: "使用这个密钥登录",
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
