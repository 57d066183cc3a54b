// What an agent's model is: chosen from the models that the server offers, or typed, since a server's list may be
// incomplete; and how it is asked.
import { useId } from "react";
import { Select, TextArea, TextField } from "../../parts/field.tsx";
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
  const missing = incomplete.length > 0 ? ` ${said.modelsIncomplete(incomplete.join(", "))}` : "";
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
      <datalist id={listId}>
        {data.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}

export function FurtherModelFields({ draft, change }: Draft) {
  const said = useWords(words);
  return (
    <>
      <TextArea
        label={said.fallbacks}
        hint={said.fallbacksHint}
        rows={2}
        spellCheck={false}
        value={draft.fallback_models}
        onChange={(event) => change({ fallback_models: event.target.value })}
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
    </>
  );
}
