// One webhook: whether its receiver has yet to answer, why the server turned it off, if it did, its actions, and its
// deliveries.
import { Pencil, Power, Radio } from "lucide-react";
import { useState } from "react";
import { Button } from "../../parts/button.tsx";
import { Notice, ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { Bar } from "../parts/form.tsx";
import { Badge, Fact, Facts } from "../parts/row.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Section } from "../parts/section.tsx";
import { DeleteButton, RotateButton } from "../parts/thing-buttons.tsx";
import { useAction } from "../use-action.ts";
import { words as general } from "../words.ts";
import { isUnverified, shortAddress, type Webhook } from "./webhook.ts";
import { WebhookForm } from "./webhook-form.tsx";
import { WebhookLog } from "./webhook-log.tsx";
import { words } from "./words.ts";

export function WebhookPage({
  webhook,
  firstSecret,
  onChanged,
  onBack,
}: {
  webhook: Webhook;
  firstSecret: string | null;
  onChanged: () => Promise<void>;
  onBack: () => void;
}) {
  const said = useWords(words);
  const common = useWords(general);
  const [secret, setSecret] = useState(firstSecret);
  const [isEditing, setEditing] = useState(false);
  const [pings, setPings] = useState(0);
  const action = useAction();
  const path = `/v1/webhooks/${encodeURIComponent(webhook.webhook_id)}`;
  if (isEditing) {
    return (
      <Section title={said.editTitle} onBack={() => setEditing(false)}>
        <WebhookForm
          start={webhook}
          submit={common.save}
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
  const toggle = (): void => {
    void action.run((api) => api.send("PATCH", path, { enabled: !webhook.enabled }).finally(onChanged));
  };
  const ping = (): void => {
    void action.run((api) => api.send("POST", `${path}/ping`, undefined)).then((done) => done && setPings(pings + 1));
  };
  const waits = isUnverified(webhook);
  const state = waits ? said.waits : webhook.enabled ? common.enabled : common.disabled;
  return (
    <Section
      title={shortAddress(webhook.url)}
      action={<Badge tone={waits ? "warn" : webhook.enabled ? "good" : "info"}>{state}</Badge>}
      onBack={onBack}
    >
      <Bar>
        <Button small icon={Power} disabled={action.isBusy} onClick={toggle}>
          {webhook.enabled ? said.disable : said.enable}
        </Button>
        {webhook.enabled && (
          <Button small icon={Radio} disabled={action.isBusy} onClick={ping}>
            {said.ping}
          </Button>
        )}
        <Button small icon={Pencil} onClick={() => setEditing(true)}>
          {common.edit}
        </Button>
        <RotateButton path={path} onSecret={setSecret} />
        <DeleteButton
          path={path}
          question={said.deleteTitle}
          text={said.deleteText}
          onDone={() => {
            void onChanged();
            onBack();
          }}
        />
      </Bar>
      {action.problem && <ProblemNotice problem={action.problem} />}
      {secret !== null && <SecretOnce name={said.secret} secret={secret} onDone={() => setSecret(null)} />}
      <Trouble webhook={webhook} />
      <Facts>
        <Fact name={said.url}>{webhook.url}</Fact>
        <Fact name={said.events}>{webhook.events.map((event) => said.event[event] ?? event).join(" · ")}</Fact>
      </Facts>
      <WebhookLog
        path={path}
        mayReplay={webhook.enabled && !waits}
        state={`${webhook.enabled} ${webhook.unverified_since} ${pings}`}
        onRefresh={() => void onChanged()}
      />
    </Section>
  );
}

function Trouble({ webhook }: { webhook: Webhook }) {
  const said = useWords(words);
  const locale = useLocale();
  const { disabled_at, disabled_reason, failing_since } = webhook;
  if (disabled_reason !== null) {
    return (
      <Notice tone="bad">
        {said.disabledBecause(formatTime(locale, disabled_at ?? ""))} {disabled_reason}
      </Notice>
    );
  }
  if (isUnverified(webhook)) return <Notice tone="warn">{said.unverified}</Notice>;
  return failing_since === null ? null : <Notice tone="warn">{said.failing(formatTime(locale, failing_since))}</Notice>;
}
