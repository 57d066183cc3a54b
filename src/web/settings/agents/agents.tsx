// Agents: the list, a form for a new one, and the page of one with its versions.
import { Bot, Plus } from "lucide-react";
import { useState } from "react";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { firstLine } from "../format.ts";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { type Agent, newAgentDraft } from "./agent.ts";
import { AgentForm } from "./agent-form.tsx";
import { AgentPage } from "./agent-page.tsx";
import { words } from "./words.ts";

type Shown = { kind: "list" } | { kind: "new" } | { kind: "one"; agent: Agent };

export function Agents() {
  const said = useWords(words);
  const { sections } = useWords(general);
  const list = useList<Agent>("/v1/agents");
  const [shown, setShown] = useState<Shown>({ kind: "list" });
  const back = (): void => setShown({ kind: "list" });
  if (shown.kind === "new") {
    return (
      <Section title={said.make} onBack={back}>
        <AgentForm
          start={newAgentDraft}
          submit={said.makeIt}
          onCancel={back}
          send={async (api, body) => {
            setShown({ kind: "one", agent: await api.send<Agent>("POST", "/v1/agents", body) });
            void list.refresh();
          }}
        />
      </Section>
    );
  }
  if (shown.kind === "one") {
    const { agent } = shown;
    const newest = list.rows?.find(({ agent_id }) => agent_id === agent.agent_id) ?? agent;
    return <AgentPage key={agent.agent_id} agent={newest} onChanged={list.refresh} onBack={back} />;
  }
  return (
    <Section
      title={sections.agents}
      about={said.about}
      action={
        <May scope="write">
          <Button small look="primary" icon={Plus} onClick={() => setShown({ kind: "new" })}>
            {said.make}
          </Button>
        </May>
      }
    >
      <ListView list={list} icon={Bot} empty={said.empty}>
        {(agent) => (
          <Row
            key={agent.agent_id}
            title={agent.name}
            badge={agent.agent_id === "agent_default" && <Badge>{said.isDefault}</Badge>}
            detail={[
              said.version(agent.pinned_version ?? agent.version),
              agent.model ?? said.serverModel,
              firstLine(agent.instructions, 80),
            ]
              .filter(Boolean)
              .join(" · ")}
            onOpen={() => setShown({ kind: "one", agent })}
          />
        )}
      </ListView>
    </Section>
  );
}
