// Creates or changes a trigger: the task, when or from whom, with which agent and in which conversation.
import { useState } from "react";
import { useApp } from "../../app/context.ts";
import type { Api } from "../../client/api.ts";
import { Select, TextArea } from "../../parts/field.tsx";
import { useStore } from "../../state/store.ts";
import { useWords } from "../../state/words.ts";
import { AgentSelect } from "../parts/choosers.tsx";
import { Beside, Form } from "../parts/form.tsx";
import { useAction } from "../use-action.ts";
import type { Draft } from "./draft.ts";
import { ScheduleFields } from "./schedule-fields.tsx";
import { SenderFields } from "./sender-fields.tsx";
import type { TriggerDraft } from "./trigger.ts";
import { words } from "./words.ts";

export function TriggerForm({
  start,
  submit,
  send,
  onCancel,
}: {
  start: TriggerDraft;
  submit: string;
  send: (api: Api, draft: TriggerDraft) => Promise<void>;
  onCancel: () => void;
}) {
  const said = useWords(words);
  const [draft, setDraft] = useState(start);
  const action = useAction();
  const change = (part: Partial<TriggerDraft>): void => setDraft((before) => ({ ...before, ...part }));
  const isSchedule = draft.type === "schedule";
  return (
    <Form
      action={action}
      submit={submit}
      onSubmit={() => void action.run((api) => send(api, draft))}
      onCancel={onCancel}
    >
      <TextArea
        label={said.prompt}
        hint={isSchedule ? said.promptHintSchedule : said.promptHintWebhook}
        rows={4}
        maxLength={20_000}
        required
        autoFocus
        dir="auto"
        value={draft.prompt}
        onChange={(event) => change({ prompt: event.target.value })}
      />
      {isSchedule ? <ScheduleFields {...{ draft, change }} /> : <SenderFields {...{ draft, change }} />}
      <Beside>
        <AgentSelect value={draft.agent_id} onChoose={(agent_id) => change({ agent_id })} />
        <ThreadSelect {...{ draft, change }} />
      </Beside>
    </Form>
  );
}

function ThreadSelect({ draft, change }: Draft) {
  const said = useWords(words);
  const { threads } = useApp();
  const rows = useStore(threads.view, (view) => view.threads);
  const { thread } = draft;
  const isMissing = !["new", "per_key"].includes(thread) && !rows.some(({ thread_id }) => thread_id === thread);
  return (
    <Select label={said.thread} value={thread} onChange={(event) => change({ thread: event.target.value })}>
      <option value="new">{said.threadNew}</option>
      {draft.type === "webhook" && <option value="per_key">{said.threadPerKey}</option>}
      {isMissing && <option value={thread}>{thread}</option>}
      {rows.map(({ thread_id, title }) => (
        <option key={thread_id} value={thread_id}>
          {title || thread_id}
        </option>
      ))}
    </Select>
  );
}
