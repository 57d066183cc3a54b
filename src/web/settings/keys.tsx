// API keys. A new one is shown once. The page's own key is marked, because deleting it signs out.
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { May } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { mayDo } from "../state/account.ts";
import { keyIdOf } from "../state/key-id.ts";
import { readAccountAgain, signIn } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { defineWords, useWords } from "../state/words.ts";
import { KeyMade } from "./key-made.tsx";
import { type ApiKey, KeyRow, useKeyName } from "./key-row.tsx";
import { NewKey } from "./new-key.tsx";
import { ConfirmButton } from "./parts/confirm-button.tsx";
import { ListView } from "./parts/list-view.tsx";
import { SecretOnce } from "./parts/secret-once.tsx";
import { Section } from "./parts/section.tsx";
import { useList } from "./use-list.ts";
import { UseNewKey } from "./use-new-key.tsx";
import { words } from "./words.ts";

const own = defineWords(
  {
    about:
      "Anyone with a key can do what it allows. Create one for each program, with only the access it needs, and delete keys you no longer use.",
    empty: "No API keys yet. Create one for a program that uses your account.",
    make: "New key",
    made: "Your new API key",
    question: "Delete this API key?",
    follows: (name: string) => `Programs that use “${name}” lose access to the server. This can't be undone.`,
    ownFollows:
      "You are signed in with this key. Deleting it signs you out, and you need another key to sign in again.",
    ariaLabel: (name: string) => `Delete ${name}`,
  },
  {
    about: "持有密钥的人可以执行该密钥允许的操作。请为每个程序单独创建密钥，只授予必要的权限，并删除不再使用的密钥。",
    empty: "还没有 API 密钥。可以为使用你账户的程序创建一个。",
    make: "新建密钥",
    made: "新的 API 密钥",
    question: "删除这个 API 密钥？",
    follows: (name: string) => `使用“${name}”的程序将无法再访问服务器。此操作无法撤销。`,
    ownFollows: "你正使用这个密钥登录。删除后你会退出登录，需要另一个密钥才能再次登录。",
    ariaLabel: (name: string) => `删除 ${name}`,
  },
);

interface Made {
  key: string;
  /** From now on the admin key that made it only manages users. */
  isFirst: boolean;
}

/** As of now: what the admin key may do has just changed. */
function mayReadNow(): boolean {
  const now = signIn.get();
  return now.phase === "in" && mayDo(now.account, "read");
}

export function Keys() {
  const general = useWords(words);
  const said = useWords(own);
  const list = useList<ApiKey>("/v1/api-keys");
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const show = (next: Made): void => {
    setMaking(false);
    setMade(next);
    // The admin key may not read the list any more, and the new key is shown only this once.
    if (!next.isFirst) void list.refresh();
  };
  const close = (): void => {
    setMade(null);
    if (made?.isFirst) {
      void readAccountAgain().then(async () => {
        if (mayReadNow()) await list.refresh();
      });
    }
  };
  return (
    <Section
      title={general.sections.keys}
      about={said.about}
      action={
        <May scope="write">
          {!isMaking && !made?.isFirst && (
            <Button small look="primary" icon={Plus} onClick={() => setMaking(true)}>
              {said.make}
            </Button>
          )}
        </May>
      }
    >
      {isMaking && <NewKey onMade={show} onCancel={() => setMaking(false)} />}
      {made !== null && (
        <SecretOnce name={said.made} secret={made.key} onDone={close}>
          {made.isFirst && <UseNewKey apiKey={made.key} />}
        </SecretOnce>
      )}
      {!made?.isFirst && (
        <ListView list={list} icon={KeyRound} empty={said.empty}>
          {(key) => (
            <OwnKey key={key.key_id} apiKey={key} known={list.rows ?? []} onDeleted={() => void list.refresh()} />
          )}
        </ListView>
      )}
    </Section>
  );
}

function OwnKey({ apiKey, known, onDeleted }: { apiKey: ApiKey; known: ApiKey[]; onDeleted: () => void }) {
  const general = useWords(words);
  const said = useWords(own);
  const current = useStore(signIn, (now) => (now.phase === "in" ? now.key : null));
  const isInUse = current !== null && keyIdOf(current) === apiKey.key_id;
  const [isRevoking, setRevoking] = useState(false);
  const name = useKeyName()(apiKey);
  return (
    <KeyRow
      apiKey={apiKey}
      known={known}
      isInUse={isInUse}
      actions={
        <ConfirmButton
          label={general.delete}
          ariaLabel={said.ariaLabel(name)}
          question={said.question}
          text={isInUse ? said.ownFollows : said.follows(name)}
          act={(api) => {
            const made = isRevoking ? "?made=revoke" : "";
            return api.send("DELETE", `/v1/api-keys/${encodeURIComponent(apiKey.key_id)}${made}`);
          }}
          onDone={onDeleted}
        >
          <KeyMade key_id={apiKey.key_id} isRevoking={isRevoking} onChoose={setRevoking} />
        </ConfirmButton>
      }
    />
  );
}
