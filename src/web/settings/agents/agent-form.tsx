// An agent's configuration. Common settings have fields, the rest is JSON in one box.
import { useState } from "react";
import type { Api } from "../../client/api.ts";
import { Select, TextArea, TextField } from "../../parts/field.tsx";
import { Notice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { Advanced, Beside, Check, Form, InSight } from "../parts/form.tsx";
import { useAction } from "../use-action.ts";
import { type AgentDraft, bodyOf } from "./agent.ts";
import { ModelFields } from "./model-fields.tsx";
import { words } from "./words.ts";

interface Draft {
  draft: AgentDraft;
  change: (part: Partial<AgentDraft>) => void;
}

export function AgentForm({
  start,
  submit,
  send,
  onCancel,
}: {
  start: AgentDraft;
  submit: string;
  send: (api: Api, body: Record<string, unknown>) => Promise<void>;
  onCancel: () => void;
}) {
  const said = useWords(words);
  const [draft, setDraft] = useState(start);
  const [isBad, setBad] = useState(false);
  const action = useAction();
  const change = (part: Partial<AgentDraft>): void => setDraft((before) => ({ ...before, ...part }));
  const save = (): void => {
    const body = bodyOf(draft);
    setBad(body === null);
    if (body !== null) void action.run((api) => send(api, body));
  };
  return (
    <Form action={action} submit={submit} onSubmit={save} onCancel={onCancel}>
      <TextField
        label={said.name}
        required
        autoFocus
        maxLength={200}
        autoComplete="off"
        dir="auto"
        value={draft.name}
        onChange={(event) => change({ name: event.target.value })}
      />
      <TextArea
        label={said.instructions}
        hint={said.instructionsHint}
        rows={6}
        maxLength={50_000}
        dir="auto"
        value={draft.instructions}
        onChange={(event) => change({ instructions: event.target.value })}
      />
      <ModelFields {...{ draft, change }} />
      <WorkFields {...{ draft, change }} />
      <ChecksField {...{ draft, change }} />
      <ApprovalFields {...{ draft, change }} />
      <Advanced label={said.advanced}>
        <TextArea
          label={said.fallbacks}
          hint={said.fallbacksHint}
          rows={2}
          spellCheck={false}
          value={draft.fallback_models}
          onChange={(event) => change({ fallback_models: event.target.value })}
        />
        <TextArea
          label={said.rest}
          hint={said.restHint}
          rows={6}
          spellCheck={false}
          value={draft.rest}
          onChange={(event) => change({ rest: event.target.value })}
        />
      </Advanced>
      {isBad && (
        <InSight>
          <Notice tone="bad">{said.badJson}</Notice>
        </InSight>
      )}
    </Form>
  );
}

function WorkFields({ draft, change }: Draft) {
  const said = useWords(words);
  return (
    <Beside>
      <Select
        label={said.planOrder}
        value={draft.plan_order}
        onChange={(event) => change({ plan_order: event.target.value === "free" ? "free" : "strict" })}
      >
        <option value="strict">{said.planOrders.strict}</option>
        <option value="free">{said.planOrders.free}</option>
      </Select>
      <Select
        label={said.evidence}
        value={draft.evidence}
        onChange={(event) => change({ evidence: event.target.value === "challenge" ? "challenge" : "note" })}
      >
        <option value="note">{said.evidences.note}</option>
        <option value="challenge">{said.evidences.challenge}</option>
      </Select>
    </Beside>
  );
}

const checkRules = ["advise", "require", "locked"] as const;

function ChecksField({ draft, change }: Draft) {
  const said = useWords(words);
  return (
    <Select
      label={said.checks}
      value={draft.checks}
      onChange={({ target }) => change({ checks: checkRules.find((rule) => rule === target.value) ?? "require" })}
    >
      {checkRules.map((rule) => (
        <option key={rule} value={rule}>
          {said.checkRules[rule]}
        </option>
      ))}
    </Select>
  );
}

function ApprovalFields({ draft, change }: Draft) {
  const said = useWords(words);
  return (
    <>
      <Check
        label={said.planApproval}
        hint={said.planApprovalHint}
        checked={draft.plan_approval}
        onChange={(event) => change({ plan_approval: event.target.checked })}
      />
      <TextArea
        label={said.approvals}
        hint={said.approvalsHint}
        rows={3}
        spellCheck={false}
        placeholder={"execute_command: rm *\ndelete_file"}
        value={draft.approvals}
        onChange={(event) => change({ approvals: event.target.value })}
      />
    </>
  );
}
