// The form for a new key: its name, what it may do, and until when.
import { useState } from "react";
import type { Scope } from "../../protocol/keys/scope.ts";
import { useApp } from "../app/context.ts";
import { Select, TextField } from "../parts/field.tsx";
import { Notice } from "../parts/notice.tsx";
import { mayDo } from "../state/account.ts";
import { defineWords, useWords } from "../state/words.ts";
import { formatTime, useLocale } from "./format.ts";
import { keyLife } from "./key-life.ts";
import { Check, Choices, Form } from "./parts/form.tsx";
import { useAction } from "./use-action.ts";

const own = defineWords(
  {
    makeIt: "Create key",
    name: "Name",
    nameHint: "What it's for, such as “laptop”.",
    may: "Access",
    rights: {
      write: {
        label: "Full access",
        hint: "Everything below, plus agents, triggers, projects, sandboxes and keys.",
      },
      run: { label: "Read and run", hint: "Start, steer, answer and stop runs. Edit plans. View files." },
      read: { label: "Read-only", hint: "View conversations, runs, plans and settings." },
    },
    admin: "Admin access",
    adminHint: "Manage users. Read everyone's audit log and the server's status.",
    first:
      "This becomes your account's own key. From then on, ADMIN_API_KEY only manages users and can't read or change anything in your account.",
    expiry: "Expires",
    never: "Never",
    withThis: (time: string) => `With your current key (${time})`,
    days: (count: number) => (count === 365 ? "In a year" : `In ${count} days`),
  },
  {
    makeIt: "创建密钥",
    name: "名称",
    nameHint: "用途，例如“笔记本电脑”。",
    may: "权限",
    rights: {
      write: { label: "全部权限", hint: "包括以下权限，以及管理智能体、触发器、项目、沙箱和密钥。" },
      run: { label: "查看和运行", hint: "启动、引导、回答和停止运行，编辑计划，查看文件。" },
      read: { label: "只读", hint: "查看对话、运行、计划和设置。" },
    },
    admin: "管理员权限",
    adminHint: "管理用户，查看所有人的审计日志和服务器状态。",
    first: "这将成为你账户自己的密钥。此后 ADMIN_API_KEY 只能管理用户，不能再查看或修改你账户中的任何内容。",
    expiry: "有效期",
    never: "永不过期",
    withThis: (time) => `与当前密钥相同（${time}）`,
    days: (count) => (count === 365 ? "一年" : `${count} 天`),
  },
);

const rights = ["write", "run", "read"] as const;
const daySeconds = 86_400;

/** `isFirst`: whether it ends what the admin key could do beside managing users. */
export function NewKey({
  onMade,
  onCancel,
}: {
  onMade: (made: { key: string; isFirst: boolean }) => void;
  onCancel: () => void;
}) {
  const said = useWords(own);
  const { account } = useApp();
  const [name, setName] = useState("");
  const [right, setRight] = useState<(typeof rights)[number]>("write");
  const [isAdmin, setAdmin] = useState(false);
  const [days, setDays] = useState("");
  const action = useAction();
  // A key that may less leaves the admin key as it is.
  const isFirst = account.is_admin && right === "write";
  const submit = (): void => {
    void action.run(async (api) => {
      const scopes: Scope[] = [right, ...(isAdmin ? (["admin"] as const) : [])];
      const body = {
        ...(name.trim() !== "" && { name: name.trim() }),
        // Without scopes it may do all that this person may, in later versions too.
        ...(String(scopes) !== "write" && { scopes }),
        ...(days !== "" && { expires_in_seconds: Number(days) * daySeconds }),
      };
      onMade({ key: (await api.send<{ key: string }>("POST", "/v1/api-keys", body)).key, isFirst });
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
      <Choices label={said.may}>
        {rights.map((each) => (
          <Check
            key={each}
            type="radio"
            name="rights"
            label={said.rights[each].label}
            hint={said.rights[each].hint}
            checked={right === each}
            onChange={() => setRight(each)}
          />
        ))}
        {mayDo(account, "admin") && (
          <Check
            label={said.admin}
            hint={said.adminHint}
            checked={isAdmin}
            onChange={(event) => setAdmin(event.target.checked)}
          />
        )}
      </Choices>
      {isFirst && <Notice tone="warn">{said.first}</Notice>}
      <Expiry days={days} onChoose={setDays} />
    </Form>
  );
}

function Expiry({ days, onChoose }: { days: string; onChoose: (days: string) => void }) {
  const said = useWords(own);
  const locale = useLocale();
  const life = keyLife(useApp().account, Date.now());
  return (
    <Select label={said.expiry} value={days} onChange={(event) => onChoose(event.target.value)}>
      <option value="">{life.end === null ? said.never : said.withThis(formatTime(locale, life.end))}</option>
      {life.days.map((count) => (
        <option key={count} value={count}>
          {said.days(count)}
        </option>
      ))}
    </Select>
  );
}
