// API keys. A new one is shown once. The page's own key is marked, because deleting it signs out.
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { keyIdOf } from "../state/key-id.ts";
import { signIn } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { defineWords, useWords } from "../state/words.ts";
import { formatTime, useLocale } from "./format.ts";
import { KeyMade } from "./key-made.tsx";
import { ConfirmButton } from "./parts/confirm-button.tsx";
import { Form } from "./parts/form.tsx";
import { ListView } from "./parts/list-view.tsx";
import { Badge, Row } from "./parts/row.tsx";
import { SecretOnce } from "./parts/secret-once.tsx";
import { Section } from "./parts/section.tsx";
import { useAction } from "./use-action.ts";
import { useList } from "./use-list.ts";
import { words } from "./words.ts";

const own = defineWords(
  {
    about:
      "Who has one of these keys can do all that you can do here. Make one for each program, and delete what is not used any more.",
    empty: "No keys yet. Make one for a program that should use your account.",
    make: "New key",
    makeIt: "Make the key",
    name: "Name",
    nameHint: "What it is for, such as “laptop”.",
    unnamed: "Without a name",
    inUse: "In use here",
    made: "The new key",
    question: "Delete this key?",
    follows: (name: string) => `Programs that use “${name}” can't reach the server any more. This can't be undone.`,
    ownFollows: "This page is signed in with this key: you will be signed out, and need another key to come back.",
    ariaLabel: (name: string) => `Delete ${name}`,
    maker: (maker: string) => `by ${maker}`,
    adminKey: "the admin key",
    deletedKey: "a key that was deleted",
    unknownMaker: "by an unknown key",
  },
  {
    about: "持有这些密钥的人可以做你在这里能做的一切。请为每个程序单独创建密钥，并删除不再使用的。",
    empty: "还没有密钥。为需要使用你账户的程序创建一个吧。",
    make: "新建密钥",
    makeIt: "创建密钥",
    name: "名称",
    nameHint: "用途，例如“笔记本电脑”。",
    unnamed: "未命名",
    inUse: "当前使用",
    made: "新密钥",
    question: "删除这个密钥？",
    follows: (name: string) => `使用“${name}”的程序将无法再访问服务器。此操作无法撤销。`,
    ownFollows: "本页面正使用这个密钥登录：删除后你将退出，需要另一个密钥才能再次登录。",
    ariaLabel: (name: string) => `删除 ${name}`,
    maker: (maker: string) => `创建者：${maker}`,
    adminKey: "管理员密钥",
    deletedKey: "已删除的密钥",
    unknownMaker: "创建者未知",
  },
);

interface ApiKey {
  key_id: string;
  name: string | null;
  created_at: string;
  /** The id of the key that made it, or `admin_key`. */
  made_by: string | null;
}

export function Keys() {
  const general = useWords(words);
  const said = useWords(own);
  const list = useList<ApiKey>("/v1/api-keys");
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const show = (key: string): void => {
    setMaking(false);
    setMade(key);
    void list.refresh();
  };
  return (
    <Section
      title={general.sections.keys}
      about={said.about}
      action={
        !isMaking && (
          <Button small look="primary" icon={Plus} onClick={() => setMaking(true)}>
            {said.make}
          </Button>
        )
      }
    >
      {isMaking && <NewKey onMade={show} onCancel={() => setMaking(false)} />}
      {made !== null && <SecretOnce name={said.made} secret={made} onDone={() => setMade(null)} />}
      <ListView list={list} icon={KeyRound} empty={said.empty}>
        {(key) => (
          <KeyRow key={key.key_id} apiKey={key} known={list.rows ?? []} onDeleted={() => void list.refresh()} />
        )}
      </ListView>
    </Section>
  );
}

function NewKey({ onMade, onCancel }: { onMade: (key: string) => void; onCancel: () => void }) {
  const said = useWords(own);
  const [name, setName] = useState("");
  const action = useAction();
  const submit = (): void => {
    void action.run(async (api) => {
      const body = name.trim() === "" ? {} : { name: name.trim() };
      onMade((await api.send<{ key: string }>("POST", "/v1/api-keys", body)).key);
    });
  };
  return (
    <Form frame="box" action={action} submit={said.makeIt} onSubmit={submit} onCancel={onCancel}>
      <TextField
        label={said.name}
        hint={said.nameHint}
        maxLength={500}
        autoComplete="off"
        autoFocus
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
    </Form>
  );
}

function KeyRow({ apiKey, known, onDeleted }: { apiKey: ApiKey; known: ApiKey[]; onDeleted: () => void }) {
  const general = useWords(words);
  const said = useWords(own);
  const locale = useLocale();
  const current = useStore(signIn, (now) => (now.phase === "in" ? now.key : null));
  const isInUse = current !== null && keyIdOf(current) === apiKey.key_id;
  const [isRevoking, setRevoking] = useState(false);
  const name = apiKey.name || said.unnamed;
  const { made_by } = apiKey;
  const maker = known.find(({ key_id }) => key_id === made_by);
  const makerName = made_by === "admin_key" ? said.adminKey : maker ? maker.name || said.unnamed : said.deletedKey;
  const details = [
    general.created(formatTime(locale, apiKey.created_at)),
    made_by === null ? said.unknownMaker : said.maker(makerName),
  ];
  return (
    <Row
      title={name}
      badge={isInUse && <Badge tone="good">{said.inUse}</Badge>}
      detail={details.join(" · ")}
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
