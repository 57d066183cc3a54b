// Webhooks: the list, a form for a new one, and the page of one.
import { Plus, Webhook as WebhookIcon } from "lucide-react";
import { useState } from "react";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { isUnverified, shortAddress, type Webhook } from "./webhook.ts";
import { WebhookForm } from "./webhook-form.tsx";
import { WebhookPage } from "./webhook-page.tsx";
import { words } from "./words.ts";

type Shown = { kind: "list" } | { kind: "new" } | { kind: "one"; webhook: Webhook; secret: string | null };

export function Webhooks() {
  const said = useWords(words);
  const { sections } = useWords(general);
  const list = useList<Webhook>("/v1/webhooks");
  const [shown, setShown] = useState<Shown>({ kind: "list" });
  const back = (): void => setShown({ kind: "list" });
  if (shown.kind === "new") {
    return (
      <Section title={said.make} onBack={back}>
        <WebhookForm
          start={{ url: "", events: ["run.completed", "run.failed"] }}
          submit={said.makeIt}
          onCancel={back}
          send={async (api, body) => {
            const { secret, ...webhook } = await api.send<Webhook & { secret: string }>("POST", "/v1/webhooks", body);
            setShown({ kind: "one", webhook, secret });
            void list.refresh();
          }}
        />
      </Section>
    );
  }
  if (shown.kind === "one") {
    const { webhook, secret } = shown;
    const newest = list.rows?.find(({ webhook_id }) => webhook_id === webhook.webhook_id) ?? webhook;
    return (
      <WebhookPage
        key={webhook.webhook_id}
        webhook={newest}
        firstSecret={secret}
        onChanged={list.refresh}
        onBack={back}
      />
    );
  }
  return (
    <Section
      title={sections.webhooks}
      about={said.about}
      action={
        <May scope="write">
          <Button small look="primary" icon={Plus} onClick={() => setShown({ kind: "new" })}>
            {said.make}
          </Button>
        </May>
      }
    >
      <ListView list={list} icon={WebhookIcon} empty={said.empty}>
        {(webhook) => (
          <WebhookRow
            key={webhook.webhook_id}
            webhook={webhook}
            onOpen={() => setShown({ kind: "one", webhook, secret: null })}
          />
        )}
      </ListView>
    </Section>
  );
}

function WebhookRow({ webhook, onOpen }: { webhook: Webhook; onOpen: () => void }) {
  const said = useWords(words);
  const { enabled, disabled } = useWords(general);
  const locale = useLocale();
  const { url, events, failing_since, disabled_reason } = webhook;
  const waits = isUnverified(webhook);
  const failing = failing_since && said.failing(formatTime(locale, failing_since));
  const trouble = disabled_reason ?? (waits ? said.unverified : failing);
  return (
    <Row
      title={shortAddress(url)}
      badge={
        <Badge tone={webhook.enabled ? (waits || failing ? "warn" : "good") : disabled_reason ? "bad" : "info"}>
          {webhook.enabled ? (waits ? said.waits : enabled) : disabled}
        </Badge>
      }
      detail={trouble || events.map((event) => said.event[event] ?? event).join(" · ")}
      onOpen={onOpen}
    />
  );
}
