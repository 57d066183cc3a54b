// Slack: the connected workspaces, and two ways to connect one.
import { Link2, MessagesSquare } from "lucide-react";
import { useState } from "react";
import type { SlackWorkspace } from "../../../protocol/slack.ts";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { AgentSelect, ProjectSelect } from "../parts/choosers.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Beside, Form } from "../parts/form.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useAction } from "../use-action.ts";
import { useList } from "../use-list.ts";
import { type Names, useNames } from "../use-names.ts";
import { words as general } from "../words.ts";
import { Connect } from "./connect.tsx";
import { words } from "./words.ts";

type Workspace = Omit<SlackWorkspace, "user_id">;

export function Slack() {
  const said = useWords(words);
  const { sections } = useWords(general);
  const names = useNames();
  const list = useList<Workspace>("/v1/slack/workspaces");
  const [way, setWay] = useState<"install" | "token" | null>(null);
  const [changing, setChanging] = useState<string | null>(null);
  const done = (): void => {
    setWay(null);
    setChanging(null);
    void list.refresh();
  };
  return (
    <Section
      title={sections.slack}
      about={said.about}
      action={
        <May scope="write">
          {way === null && (
            <>
              <Button small icon={Link2} onClick={() => setWay("token")}>
                {said.byToken}
              </Button>
              <Button small look="primary" icon={MessagesSquare} onClick={() => setWay("install")}>
                {said.install}
              </Button>
            </>
          )}
        </May>
      }
    >
      {way !== null && <Connect key={way} way={way} onDone={done} onCancel={() => setWay(null)} />}
      <ListView list={list} icon={MessagesSquare} empty={said.empty}>
        {(workspace) => (
          <WorkspaceRow
            key={workspace.team_id}
            workspace={workspace}
            names={names}
            isChanging={changing === workspace.team_id}
            onChange={() => setChanging(workspace.team_id)}
            onCancel={() => setChanging(null)}
            onDone={done}
          />
        )}
      </ListView>
    </Section>
  );
}

function WorkspaceRow({
  workspace,
  names,
  isChanging,
  onChange,
  onCancel,
  onDone,
}: {
  workspace: Workspace;
  names: Names;
  isChanging: boolean;
  onChange: () => void;
  onCancel: () => void;
  onDone: () => void;
}) {
  const said = useWords(words);
  const locale = useLocale();
  const { team_id, team_name, agent_id, project_id, created_at } = workspace;
  const name = team_name ?? team_id;
  const path = `/v1/slack/workspaces/${encodeURIComponent(team_id)}`;
  const details = [said.connected(formatTime(locale, created_at)), names.agent(agent_id), names.project(project_id)];
  return (
    <Row
      title={name}
      detail={details.join(" · ")}
      actions={
        !isChanging && (
          <>
            <May scope="write">
              <Button small aria-label={said.changeLabel(name)} onClick={onChange}>
                {said.change}
              </Button>
            </May>
            <ConfirmButton
              label={said.disconnect}
              ariaLabel={said.disconnectLabel(name)}
              question={said.question}
              text={said.follows(name)}
              act={(api) => api.send("DELETE", path)}
              onDone={onDone}
            />
          </>
        )
      }
    >
      {isChanging && <ChangeWorkspace {...{ workspace, path, onCancel, onDone }} />}
    </Row>
  );
}

function ChangeWorkspace({
  workspace,
  path,
  onCancel,
  onDone,
}: {
  workspace: Workspace;
  path: string;
  onCancel: () => void;
  onDone: () => void;
}) {
  const { save } = useWords(general);
  const [agent, setAgent] = useState(workspace.agent_id ?? "");
  const [project, setProject] = useState(workspace.project_id ?? "");
  const action = useAction();
  const submit = (): void => {
    const body = { agent_id: agent || null, project_id: project || null };
    void action.run((api) => api.send("PATCH", path, body)).then((done) => done && onDone());
  };
  return (
    <Form frame="row" action={action} submit={save} onSubmit={submit} onCancel={onCancel}>
      <Beside>
        <AgentSelect value={agent} onChoose={setAgent} />
        <ProjectSelect value={project} onChoose={setProject} />
      </Beside>
    </Form>
  );
}
