// One agent: its configuration and its versions.
import { Pencil } from "lucide-react";
import { useState } from "react";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { Notice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { Bar } from "../parts/form.tsx";
import { Badge, Fact, Facts, Text } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { DeleteButton } from "../parts/thing-buttons.tsx";
import { words as general } from "../words.ts";
import { type Agent, describeRest, draftOf, writeApprovals } from "./agent.ts";
import { AgentForm } from "./agent-form.tsx";
import { Versions } from "./versions.tsx";
import { words } from "./words.ts";

export function AgentPage({
  agent,
  onChanged,
  onBack,
}: {
  agent: Agent;
  onChanged: () => Promise<void>;
  onBack: () => void;
}) {
  const said = useWords(words);
  const common = useWords(general);
  const [isEditing, setEditing] = useState(false);
  const path = `/v1/agents/${encodeURIComponent(agent.agent_id)}`;
  if (isEditing) {
    return (
      <Section title={said.editTitle} onBack={() => setEditing(false)}>
        <AgentForm
          start={draftOf(agent)}
          submit={said.saveIt}
          onCancel={() => setEditing(false)}
          send={async (api, body) => {
            await api.send("PATCH", path, body);
            // The form would start from the old values if it were opened again before.
            await onChanged();
            setEditing(false);
          }}
        />
      </Section>
    );
  }
  return (
    <Section title={agent.name} action={<Badge>{said.version(agent.version)}</Badge>} onBack={onBack}>
      <Bar>
        <May scope="write">
          <Button small icon={Pencil} onClick={() => setEditing(true)}>
            {common.edit}
          </Button>
        </May>
        {agent.agent_id !== "agent_default" && (
          <DeleteButton
            path={path}
            question={said.deleteTitle}
            text={said.deleteText}
            onDone={() => {
              void onChanged();
              onBack();
            }}
          />
        )}
      </Bar>
      {agent.pinned_version !== null && <Notice>{said.pinnedTo(agent.pinned_version)}</Notice>}
      <Details agent={agent} />
      <Versions {...{ agent, path, onChanged }} />
    </Section>
  );
}

function Details({ agent }: { agent: Agent }) {
  const said = useWords(words);
  const approvals = writeApprovals(agent.approvals);
  const rest = describeRest(agent);
  const { reasoning_effort, max_output_tokens } = agent.model_options;
  return (
    <Facts>
      <Fact name="ID">{agent.agent_id}</Fact>
      {agent.instructions !== "" && (
        <Fact name={said.instructions}>
          <Text>{agent.instructions}</Text>
        </Fact>
      )}
      <Fact name={said.model}>{[agent.model ?? said.serverModel, ...agent.fallback_models].join(" → ")}</Fact>
      {reasoning_effort !== undefined && <Fact name={said.effort}>{said.efforts[reasoning_effort]}</Fact>}
      {max_output_tokens !== undefined && <Fact name={said.longestReply}>{max_output_tokens}</Fact>}
      <Fact name={said.maxSteps}>{agent.max_steps}</Fact>
      <Fact name={said.planOrder}>{said.planOrders[agent.plan_order]}</Fact>
      <Fact name={said.evidence}>{said.evidences[agent.evidence]}</Fact>
      <Fact name={said.checks}>{said.checkRules[agent.checks]}</Fact>
      {agent.plan_approval && <Fact name={said.planApproval}>✓</Fact>}
      {approvals !== "" && (
        <Fact name={said.approvals}>
          <Text>{approvals}</Text>
        </Fact>
      )}
      {rest !== "" && (
        <Fact name={said.advanced}>
          <Text>{rest}</Text>
        </Fact>
      )}
    </Facts>
  );
}
