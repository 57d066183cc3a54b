// The secrets of one project, which a person chooses first. They are write-only: a value leaves the page and never comes
// back.
import { LockKeyhole, Plus } from "lucide-react";
import { useState } from "react";
import type { SandboxSecretInfo } from "../../../protocol/sandbox/secret.ts";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { Select } from "../../parts/field.tsx";
import { Notice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words } from "../words.ts";
import { SecretForm } from "./secret-form.tsx";
import { secretWords } from "./words.ts";

interface Choice {
  project_id: string;
  name: string;
}

export function Secrets() {
  const general = useWords(words);
  const said = useWords(secretWords);
  const projects = useList<Choice>("/v1/projects?limit=200");
  const [chosen, setChosen] = useState<string | null>(null);
  const project = chosen ?? projects.rows?.[0]?.project_id ?? null;
  const title = general.sections.secrets;
  if (project === null) {
    return (
      <Section title={title} about={said.about}>
        <ListView list={projects} icon={LockKeyhole} empty={said.noProject}>
          {() => null}
        </ListView>
      </Section>
    );
  }
  return (
    <OfProject key={project} project={project} title={title}>
      <Select label={general.project} value={project} onChange={(event) => setChosen(event.target.value)}>
        {(projects.rows ?? []).map(({ project_id, name }) => (
          <option key={project_id} value={project_id}>
            {name || project_id}
          </option>
        ))}
      </Select>
    </OfProject>
  );
}

function OfProject({ project, title, children }: { project: string; title: string; children: React.ReactNode }) {
  const said = useWords(secretWords);
  const path = `/v1/projects/${encodeURIComponent(project)}/secrets`;
  const list = useList<SandboxSecretInfo>(path);
  /** The secret that is replaced; "" for a new one. */
  const [edited, setEdited] = useState<SandboxSecretInfo | "" | null>(null);
  const show = (): void => {
    setEdited(null);
    void list.refresh();
  };
  return (
    <Section
      title={title}
      about={said.about}
      action={
        <May scope="write">
          {edited === null && (
            <Button small look="primary" icon={Plus} onClick={() => setEdited("")}>
              {said.add}
            </Button>
          )}
        </May>
      }
    >
      {children}
      {edited !== null && (
        <SecretForm
          key={edited === "" ? "" : edited.name}
          path={path}
          replaced={edited === "" ? null : edited}
          onStored={show}
          onCancel={() => setEdited(null)}
        />
      )}
      <ListView list={list} icon={LockKeyhole} empty={said.empty}>
        {(secret) => (
          <SecretRow
            key={secret.name}
            {...{ secret, path }}
            onReplace={() => setEdited(secret)}
            onDeleted={() => void list.refresh()}
          />
        )}
      </ListView>
      {list.rows !== null && list.rows.length > 0 && <Notice>{said.applies}</Notice>}
    </Section>
  );
}

function SecretRow({
  secret,
  path,
  onReplace,
  onDeleted,
}: {
  secret: SandboxSecretInfo;
  path: string;
  onReplace: () => void;
  onDeleted: () => void;
}) {
  const general = useWords(words);
  const said = useWords(secretWords);
  const locale = useLocale();
  const { name, hosts, delivered, updated_at } = secret;
  const shown = hosts.join(", ");
  const how =
    delivered === "secret"
      ? said.explained.secret(shown)
      : [said.explained.env, hosts.length > 0 && said.explained.unhidden].filter(Boolean).join(" ");
  return (
    <Row
      title={name}
      badge={<Badge tone={delivered === "secret" ? "good" : "warn"}>{said.delivered[delivered]}</Badge>}
      detail={
        <>
          {[shown, said.changed(formatTime(locale, updated_at))].filter(Boolean).join(" · ")}
          <br />
          {how}
        </>
      }
      actions={
        <>
          <May scope="write">
            <Button small aria-label={said.ariaReplace(name)} onClick={onReplace}>
              {said.replace}
            </Button>
          </May>
          <ConfirmButton
            label={general.delete}
            ariaLabel={said.ariaDelete(name)}
            question={said.question}
            text={said.follows(name)}
            act={(api) => api.send("DELETE", `${path}/${encodeURIComponent(name)}`)}
            onDone={onDeleted}
          />
        </>
      }
    />
  );
}
