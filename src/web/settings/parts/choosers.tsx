// What many forms let a person choose: the agent and the project.
import { Select } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { useList } from "../use-list.ts";
import { words } from "../words.ts";

interface Choice {
  /** "" is the default. */
  value: string;
  disabled?: boolean;
  onChoose: (id: string) => void;
}

export function AgentSelect({ value, disabled, onChoose }: Choice) {
  const said = useWords(words);
  const { rows } = useList<{ agent_id: string; name: string }>("/v1/agents?limit=200");
  const known = (rows ?? []).map(({ agent_id, name }) => ({ id: agent_id, name }));
  return (
    <Options
      label={said.agent}
      first={said.defaultAgent}
      {...{ value, disabled, onChoose }}
      // "" stands for it, unless it was chosen by name.
      known={known.filter(({ id }) => id !== "agent_default" || id === value)}
    />
  );
}

export function ProjectSelect({ value, disabled, onChoose }: Choice) {
  const said = useWords(words);
  const { rows } = useList<{ project_id: string; name: string }>("/v1/projects?limit=200");
  const known = (rows ?? []).map(({ project_id, name }) => ({ id: project_id, name }));
  return <Options label={said.project} first={said.ownProject} {...{ value, disabled, onChoose, known }} />;
}

function Options({
  label,
  first,
  value,
  disabled,
  onChoose,
  known,
}: Choice & { label: string; first: string; known: { id: string; name: string }[] }) {
  // The choice stays while the list loads, and where the chosen one was deleted.
  const isMissing = value !== "" && !known.some(({ id }) => id === value);
  return (
    <Select label={label} value={value} disabled={disabled} onChange={(event) => onChoose(event.target.value)}>
      <option value="">{first}</option>
      {isMissing && <option value={value}>{value}</option>}
      {known.map(({ id, name }) => (
        <option key={id} value={id}>
          {name || id}
        </option>
      ))}
    </Select>
  );
}
