// What an agent's model is: chosen from the models that the server offers, or typed, since a server's list may be
// incomplete; and how it is asked, how often and how long it answers.
import { useId } from "react";
import { Select, TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { Beside } from "../parts/form.tsx";
import { type AgentDraft, efforts } from "./agent.ts";
import { useModels } from "./use-models.ts";
import { words } from "./words.ts";

interface Draft {
  draft: AgentDraft;
  change: (part: Partial<AgentDraft>) => void;
}

export function ModelFields({ draft, change }: Draft) {
  const said = useWords(words);
  const listId = useId();
  const { data, incomplete } = useModels();
  const usual = data.find(({ is_default }) => is_default)?.id ?? null;
  const missing = incomplete.length > 0 ? said.modelsIncomplete(incomplete.join(", ")) : "";
  return (
    <>
      <Beside>
        <TextField
          label={said.model}
          hint={said.modelHint(usual) + missing}
          list={listId}
          maxLength={200}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={draft.model}
          onChange={(event) => change({ model: event.target.value })}
        />
        <Select
          label={said.effort}
          hint={said.effortHint}
          value={draft.reasoning_effort}
          onChange={(event) =>
            change({ reasoning_effort: efforts.find((effort) => effort === event.target.value) ?? "" })
          }
        >
          <option value="">{said.effortUsual}</option>
          {efforts.map((effort) => (
            <option key={effort} value={effort}>
              {said.efforts[effort]}
            </option>
          ))}
        </Select>
      </Beside>
      <Beside>
        <TextField
          label={said.maxSteps}
          type="number"
          required
          min={1}
          max={1000}
          value={draft.max_steps}
          onChange={(event) => change({ max_steps: event.target.value })}
        />
        <TextField
          label={said.longestReply}
          hint={said.longestReplyHint}
          type="number"
          min={1}
          max={1_000_000}
          value={draft.max_output_tokens}
          onChange={(event) => change({ max_output_tokens: event.target.value })}
        />
      </Beside>
      <datalist id={listId}>
        {data.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}
