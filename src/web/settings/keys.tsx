// API keys. A new one is shown once. The page's own key is marked, because deleting it signs out.
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import type { Scope } from "../../protocol/keys/scope.ts";
import { May } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { keyIdOf } from "../state/key-id.ts";
import { signIn } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { defineWords, useWords } from "../state/words.ts";
import { formatTime, useLocale } from "./format.ts";
import { KeyMade } from "./key-made.tsx";
import { NewKey } from "./new-key.tsx";
import { ConfirmButton } from "./parts/confirm-button.tsx";
import { ListView } from "./parts/list-view.tsx";
import { Badge, Row } from "./parts/row.tsx";
import { SecretOnce } from "./parts/secret-once.tsx";
import { Section } from "./parts/section.tsx";
import { useList } from "./use-list.ts";
import { words } from "./words.ts";

const own = defineWords(
  {
    about:
      "Who has one of these keys can do here what it allows. Make one for each program with no more than it needs, and delete what is not used any more.",
    empty: "No keys yet. Make one for a program that should use your account.",
    make: "New key",
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
    neverUsed: "not used yet",
    used: (time: string) => `last used ${time}`,
    expires: (time: string) => `expires ${time}`,
    expired: (time: string) => `expired ${time}`,
    isExpired: "Expired",
    rights: { read: "Read", run: "Read and run", write: "Everything of yours", admin: "Operator" },
  },
  {
    about: "持有密钥的人可以执行该密钥允许的操作。请为每个程序单独创建密钥，只授予所需的权限，并删除不再使用的。",
    empty: "还没有密钥。为需要使用你账户的程序创建一个吧。",
    make: "新建密钥",
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
    neverUsed: "尚未使用",
    used: (time: string) => `最近使用：${time}`,
    expires: (time: string) => `${time} 到期`,
    expired: (time: string) => `已于 ${time} 到期`,
    isExpired: "已到期",
    rights: { read: "只读", run: "查看和运行", write: "你的全部权限", admin: "运维" },
  },
);

interface ApiKey {
  key_id: string;
  name: string | null;
  created_at: string;
  /** Null for all that its user may do. */
  scopes: Scope[] | null;
  expires_at: string | null;
  last_used_at: string | null;
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
        <May scope="write">
          {!isMaking && (
            <Button small look="primary" icon={Plus} onClick={() => setMaking(true)}>
              {said.make}
            </Button>
          )}
        </May>
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

/** None for what most keys may: all that is their user's, and nothing of an operator. */
function rightsOf({ scopes }: ApiKey): Scope[] {
  const right = (["write", "run", "read"] as const).find((scope) => scopes?.includes(scope));
  if (scopes?.includes("admin")) return right ? [right, "admin"] : ["admin"];
  return right && right !== "write" ? [right] : [];
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
  const { expires_at, last_used_at } = apiKey;
  const isExpired = expires_at !== null && Date.parse(expires_at) <= Date.now();
  const details = [
    general.created(formatTime(locale, apiKey.created_at)),
    made_by === null ? said.unknownMaker : said.maker(makerName),
    last_used_at === null ? said.neverUsed : said.used(formatTime(locale, last_used_at)),
    expires_at !== null && (isExpired ? said.expired : said.expires)(formatTime(locale, expires_at)),
  ].filter(Boolean);
  return (
    <Row
      title={name}
      badge={
        <>
          {isInUse && <Badge tone="good">{said.inUse}</Badge>}
          {isExpired && <Badge tone="bad">{said.isExpired}</Badge>}
          {rightsOf(apiKey).map((right) => (
            <Badge key={right}>{said.rights[right]}</Badge>
          ))}
        </>
      }
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
