// What a key made, shown before it is deleted, with the choice to revoke that too.
import { ProblemNotice } from "../parts/notice.tsx";
import { defineWords, useWords } from "../state/words.ts";
import { firstLine } from "./format.ts";
import styles from "./key-made.module.css";
import { Check } from "./parts/form.tsx";
import { useList } from "./use-list.ts";
import { words } from "./words.ts";

const own = defineWords(
  {
    nothing: "Nothing that it created still exists.",
    made: "Created by this key, or by keys it created:",
    more: (count: number) => `and ${count} more`,
    revoke: "Revoke what it created",
    revokeHint:
      "Keys stop working, links and SSH access end, Slack is disconnected, triggers and event notifications are disabled. Runs that it started can't create links anymore. Choose this if the key was leaked or its owner leaves.",
    type: {
      api_key: "API key",
      trigger: "Trigger",
      webhook: "Notification endpoint",
      preview: "Link",
      ssh_access: "SSH access",
      slack_workspace: "Slack",
    },
    port: (port: string, project: string) => `port ${port} of ${project}`,
    unnamed: "Unnamed",
    off: "disabled",
    pending: "ending…",
  },
  {
    nothing: "它创建的内容都已不存在。",
    made: "此密钥及其创建的密钥所创建的内容：",
    more: (count: number) => `以及另外 ${count} 项`,
    revoke: "一并撤销它创建的内容",
    revokeHint:
      "密钥将失效，链接和 SSH 访问将终止，Slack 将断开连接，触发器和事件通知将停用，它启动的运行也不能再创建链接。如果密钥已泄露或持有人离开，请选择此项。",
    type: {
      api_key: "API 密钥",
      trigger: "触发器",
      webhook: "通知地址",
      preview: "链接",
      ssh_access: "SSH 访问",
      slack_workspace: "Slack",
    },
    port: (port: string, project: string) => `${project} 的端口 ${port}`,
    unnamed: "未命名",
    off: "已停用",
    pending: "正在终止…",
  },
);

interface Made {
  type: "api_key" | "trigger" | "webhook" | "preview" | "ssh_access" | "slack_workspace";
  id: string;
  project_id?: string;
  name?: string;
  enabled?: boolean;
  pending?: true;
}

/** A dialog of this height still fits a phone. */
const SHOWN = 6;

interface Choice {
  isRevoking: boolean;
  onChoose: (isRevoking: boolean) => void;
}

export function KeyMade({ key_id, ...choice }: Choice & { key_id: string }) {
  return (
    <div className={styles.made}>
      <MadeList key_id={key_id} />
      {/* Also where nothing is listed: the key may make something until it is deleted, and a run of it afterwards. */}
      <RevokeMade {...choice} />
    </div>
  );
}

/** The choice alone, for somebody else's key: an operator does not read what it made. */
export function RevokeMade({ isRevoking, onChoose }: Choice) {
  const said = useWords(own);
  return (
    <Check
      label={said.revoke}
      hint={said.revokeHint}
      checked={isRevoking}
      onChange={(event) => onChoose(event.target.checked)}
    />
  );
}

function MadeList({ key_id }: { key_id: string }) {
  const said = useWords(own);
  const { loading } = useWords(words);
  const { rows, problem } = useList<Made>(`/v1/api-keys/${encodeURIComponent(key_id)}/made`);
  if (problem) return <ProblemNotice problem={problem} />;
  if (rows === null) return <p role="status">{loading}</p>;
  if (rows.length === 0) return <p>{said.nothing}</p>;
  return (
    <>
      <p>{said.made}</p>
      <ul className={styles.list}>
        {rows.slice(0, SHOWN).map((made) => (
          <Item key={`${made.type} ${made.project_id} ${made.id}`} made={made} />
        ))}
        {rows.length > SHOWN && <li className={styles.type}>{said.more(rows.length - SHOWN)}</li>}
      </ul>
    </>
  );
}

function Item({ made }: { made: Made }) {
  const said = useWords(own);
  const { type, id, project_id = "", name, enabled, pending } = made;
  const names: Partial<Record<Made["type"], string>> = {
    preview: said.port(id, project_id),
    ssh_access: project_id,
    trigger: firstLine(name ?? ""),
  };
  const state = pending ? said.pending : enabled === false ? said.off : null;
  return (
    <li>
      <span className={styles.type}>{said.type[type]}</span>
      <span className={styles.name} dir="auto">
        {names[type] ?? (name || (type === "api_key" ? said.unnamed : id))}
      </span>
      {state && <span className={styles.type}>({state})</span>}
    </li>
  );
}
