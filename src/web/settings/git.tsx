// Credentials of git hosts. They are write-only: only host and user are shown.
import { GitBranch, Plus } from "lucide-react";
import { useState } from "react";
import type { GitCredentialInfo } from "../../protocol/git-credential.ts";
import { May } from "../app/may.tsx";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { defineWords, useWords } from "../state/words.ts";
import { formatTime, useLocale } from "./format.ts";
import { ConfirmButton } from "./parts/confirm-button.tsx";
import { Beside, Form } from "./parts/form.tsx";
import { ListView } from "./parts/list-view.tsx";
import { Badge, Row } from "./parts/row.tsx";
import { Section } from "./parts/section.tsx";
import { useAction } from "./use-action.ts";
import { useList } from "./use-list.ts";
import { words } from "./words.ts";

const own = defineWords(
  {
    about: "Used when a sandbox clones, pulls or pushes. Credentials are stored encrypted and never shown again.",
    empty: "No credentials yet. Public repositories need none. For others, add the host and a token.",
    add: "Add host",
    save: "Save credential",
    host: "Host",
    hostHint: "Include the port if there is one. For a host already listed, this replaces the credential.",
    user: "Username",
    password: "Password or token",
    changed: (time: string) => `updated ${time}`,
    unreadable: "Can't be decrypted",
    question: "Delete this credential?",
    follows: (host: string) => `Sandboxes can't sign in to ${host} anymore. This can't be undone.`,
    ariaLabel: (host: string) => `Delete the credential for ${host}`,
  },
  {
    about: "沙箱克隆、拉取或推送时使用。凭据加密保存，不会再次显示。",
    empty: "还没有凭据。公开仓库不需要凭据；其他仓库请添加主机和令牌。",
    add: "添加主机",
    save: "保存凭据",
    host: "主机",
    hostHint: "如有端口，请一并填写。如果主机已存在，将替换其凭据。",
    user: "用户名",
    password: "密码或令牌",
    changed: (time: string) => `更新于 ${time}`,
    unreadable: "无法解密",
    question: "删除这个凭据？",
    follows: (host: string) => `沙箱将无法再登录 ${host}。此操作无法撤销。`,
    ariaLabel: (host: string) => `删除 ${host} 的凭据`,
  },
);

export function Git() {
  const general = useWords(words);
  const said = useWords(own);
  const locale = useLocale();
  const list = useList<GitCredentialInfo>("/v1/git-credentials");
  const [isAdding, setAdding] = useState(false);
  const show = (): void => {
    setAdding(false);
    void list.refresh();
  };
  return (
    <Section
      title={general.sections.git}
      about={said.about}
      action={
        <May scope="write">
          {!isAdding && (
            <Button small look="primary" icon={Plus} onClick={() => setAdding(true)}>
              {said.add}
            </Button>
          )}
        </May>
      }
    >
      {isAdding && <NewCredential onStored={show} onCancel={() => setAdding(false)} />}
      <ListView list={list} icon={GitBranch} empty={said.empty}>
        {({ host, username, updated_at }) => (
          <Row
            key={host}
            title={host}
            badge={username === null && <Badge tone="bad">{said.unreadable}</Badge>}
            detail={[username, said.changed(formatTime(locale, updated_at))].filter(Boolean).join(" · ")}
            actions={
              <ConfirmButton
                label={general.delete}
                ariaLabel={said.ariaLabel(host)}
                question={said.question}
                text={said.follows(host)}
                act={(api) => api.send("DELETE", `/v1/git-credentials/${encodeURIComponent(host)}`)}
                onDone={() => void list.refresh()}
              />
            }
          />
        )}
      </ListView>
    </Section>
  );
}

function NewCredential({ onStored, onCancel }: { onStored: () => void; onCancel: () => void }) {
  const said = useWords(own);
  const action = useAction();
  const [host, setHost] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const submit = (): void => {
    const body = { host: host.trim(), username: username.trim(), password };
    void action.run((api) => api.send("POST", "/v1/git-credentials", body)).then((done) => done && onStored());
  };
  return (
    <Form frame="box" action={action} submit={said.save} onSubmit={submit} onCancel={onCancel}>
      <TextField
        label={said.host}
        hint={said.hostHint}
        placeholder="github.com"
        required
        autoFocus
        maxLength={500}
        spellCheck={false}
        autoComplete="off"
        value={host}
        onChange={(event) => setHost(event.target.value)}
      />
      <Beside>
        <TextField
          label={said.user}
          required
          maxLength={256}
          spellCheck={false}
          autoComplete="off"
          value={username}
          onChange={(event) => setUsername(event.target.value)}
        />
        <TextField
          label={said.password}
          type="password"
          required
          maxLength={8192}
          // It is the host's password, not this page's: a browser should not offer to save it here.
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Beside>
    </Form>
  );
}
