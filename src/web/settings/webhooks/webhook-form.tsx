// Where a webhook is sent, and for which events.
import { useState } from "react";
import type { WebhookEvent } from "../../../protocol/webhook.ts";
import type { Api } from "../../client/api.ts";
import { TextField } from "../../parts/field.tsx";
import { Notice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { Check, Choices, Form } from "../parts/form.tsx";
import { useAction } from "../use-action.ts";
import { eventNames, withEvent } from "./webhook.ts";
import { words } from "./words.ts";

interface Body {
  url: string;
  events: WebhookEvent[];
}

export function WebhookForm({
  start,
  submit,
  send,
  onCancel,
}: {
  start: Body;
  submit: string;
  send: (api: Api, body: Body) => Promise<void>;
  onCancel: () => void;
}) {
  const said = useWords(words);
  const [url, setUrl] = useState(start.url);
  const [events, setEvents] = useState(start.events);
  const [isIncomplete, setIncomplete] = useState(false);
  const action = useAction();
  const save = (): void => {
    setIncomplete(events.length === 0);
    if (events.length > 0) void action.run((api) => send(api, { url: url.trim(), events }));
  };
  return (
    <Form action={action} submit={submit} onSubmit={save} onCancel={onCancel}>
      <TextField
        label={said.url}
        hint={said.urlHint}
        type="url"
        required
        autoFocus
        maxLength={2000}
        placeholder="https://example.com/taskloom"
        autoComplete="off"
        value={url}
        onChange={(event) => setUrl(event.target.value)}
      />
      <Choices label={said.events}>
        {eventNames.map((name) => (
          <Check
            key={name}
            label={said.event[name]}
            checked={events.includes(name)}
            onChange={(event) => setEvents(withEvent(events, name, event.target.checked))}
          />
        ))}
      </Choices>
      {isIncomplete && events.length === 0 && <Notice tone="bad">{said.noEvents}</Notice>}
    </Form>
  );
}
