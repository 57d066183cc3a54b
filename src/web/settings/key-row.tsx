// One API key in a list: its name, what it may do, who made it, its last use and its expiry.
import type { ReactNode } from "react";
import type { Scope } from "../../protocol/keys/scope.ts";
import { defineWords, useWords } from "../state/words.ts";
import { formatTime, useLocale } from "./format.ts";
import { Badge, Row } from "./parts/row.tsx";
import { words } from "./words.ts";

const own = defineWords(
  {
    unnamed: "Unnamed",
    inUse: "Current key",
    maker: (maker: string) => `by ${maker}`,
    adminKey: "the admin key",
    session: "a session",
    deletedKey: "a deleted key",
    unknownMaker: "by an unknown key",
    neverUsed: "never used",
    used: (time: string) => `last used ${time}`,
    expires: (time: string) => `expires ${time}`,
    expired: (time: string) => `expired ${time}`,
    isExpired: "Expired",
    rights: { read: "Read-only", run: "Read and run", write: "Full access", admin: "Admin" },
  },
  {
    unnamed: "未命名",
    inUse: "当前密钥",
    maker: (maker: string) => `创建者：${maker}`,
    adminKey: "管理员密钥",
    session: "登录会话",
    deletedKey: "已删除的密钥",
    unknownMaker: "创建者未知",
    neverUsed: "从未使用",
    used: (time: string) => `最近使用：${time}`,
    expires: (time: string) => `${time} 到期`,
    expired: (time: string) => `已于 ${time} 到期`,
    isExpired: "已到期",
    rights: { read: "只读", run: "查看和运行", write: "全部权限", admin: "管理员" },
  },
);

export interface ApiKey {
  key_id: string;
  name: string | null;
  created_at: string;
  /** Null for all that its user may do. */
  scopes: Scope[] | null;
  expires_at: string | null;
  last_used_at: string | null;
  /** The id of the key or session that made it, or `admin_key`. */
  made_by: string | null;
}

/** None for what most keys may: all that is their user's, and nothing of an operator. */
function rightsOf({ scopes }: ApiKey): Scope[] {
  const right = (["write", "run", "read"] as const).find((scope) => scopes?.includes(scope));
  if (scopes?.includes("admin")) return right ? [right, "admin"] : ["admin"];
  return right && right !== "write" ? [right] : [];
}

/** `known`: the keys of the list, for the name of the one that made this. */
export function KeyRow({
  apiKey,
  known,
  isInUse = false,
  actions,
}: {
  apiKey: ApiKey;
  known: ApiKey[];
  isInUse?: boolean;
  actions: ReactNode;
}) {
  const general = useWords(words);
  const said = useWords(own);
  const locale = useLocale();
  const { made_by, expires_at, last_used_at } = apiKey;
  const maker = known.find(({ key_id }) => key_id === made_by);
  const others = made_by?.startsWith("sess_") ? said.session : said.deletedKey;
  const makerName = made_by === "admin_key" ? said.adminKey : maker ? maker.name || said.unnamed : others;
  const isExpired = expires_at !== null && Date.parse(expires_at) <= Date.now();
  const details = [
    general.created(formatTime(locale, apiKey.created_at)),
    made_by === null ? said.unknownMaker : said.maker(makerName),
    last_used_at === null ? said.neverUsed : said.used(formatTime(locale, last_used_at)),
    expires_at !== null && (isExpired ? said.expired : said.expires)(formatTime(locale, expires_at)),
  ].filter(Boolean);
  return (
    <Row
      title={apiKey.name || said.unnamed}
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
      actions={actions}
    />
  );
}

export function useKeyName(): (apiKey: Pick<ApiKey, "name">) => string {
  const { unnamed } = useWords(own);
  return ({ name }) => name || unnamed;
}
