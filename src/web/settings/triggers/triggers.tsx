// Triggers: the list, a form for a new one, and the page of one.
import { CalendarClock, Webhook, Zap } from "lucide-react";
import { useState } from "react";
import type { TriggerType } from "../../../protocol/trigger.ts";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { useWords } from "../../state/words.ts";
import { firstLine, formatDue, formatTime, useLocale } from "../format.ts";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { bodyOf, newDraft, ownZone, type Trigger } from "./trigger.ts";
import { TriggerForm } from "./trigger-form.tsx";
import { TriggerPage } from "./trigger-page.tsx";
import { words } from "./words.ts";

type Made = Trigger & { secret: string | null };
type Shown =
  | { kind: "list" }
  | { kind: "new"; type: TriggerType }
  | { kind: "one"; trigger: Trigger; secret: string | null };

export function Triggers() {
  const said = useWords(words);
  const list = useList<Trigger>("/v1/triggers");
  const [shown, setShown] = useState<Shown>({ kind: "list" });
  const back = (): void => setShown({ kind: "list" });
  const toOne = (trigger: Trigger, secret: string | null): void => setShown({ kind: "one", trigger, secret });
  if (shown.kind === "new") {
    return (
      <Section title={shown.type === "schedule" ? said.newSchedule : said.newWebhook} onBack={back}>
        <TriggerForm
          start={newDraft(shown.type, ownZone())}
          submit={said.make}
          onCancel={back}
          send={async (api, draft) => {
            const { secret, ...made } = await api.send<Made>("POST", "/v1/triggers", bodyOf(draft));
            toOne(made, secret);
            void list.refresh();
          }}
        />
      </Section>
    );
  }
  if (shown.kind === "one") {
    const { trigger, secret } = shown;
    // Shows the newest read, which may contain another tab's change.
    const newest = list.rows?.find(({ trigger_id }) => trigger_id === trigger.trigger_id) ?? trigger;
    return (
      <TriggerPage
        key={trigger.trigger_id}
        trigger={newest}
        firstSecret={secret}
        onChanged={list.refresh}
        onBack={back}
      />
    );
  }
  return (
    <TriggerList list={list} onNew={(type) => setShown({ kind: "new", type })} onOpen={(one) => toOne(one, null)} />
  );
}

function TriggerList({
  list,
  onNew,
  onOpen,
}: {
  list: ReturnType<typeof useList<Trigger>>;
  onNew: (type: TriggerType) => void;
  onOpen: (trigger: Trigger) => void;
}) {
  const said = useWords(words);
  const { sections } = useWords(general);
  return (
    <Section
      title={sections.triggers}
      about={said.about}
      action={
        <May scope="write">
          <Button small icon={Webhook} onClick={() => onNew("webhook")}>
            {said.newWebhook}
          </Button>
          <Button small icon={CalendarClock} onClick={() => onNew("schedule")}>
            {said.newSchedule}
          </Button>
        </May>
      }
    >
      <ListView list={list} icon={Zap} empty={said.empty}>
        {(trigger) => <TriggerRow key={trigger.trigger_id} trigger={trigger} onOpen={() => onOpen(trigger)} />}
      </ListView>
    </Section>
  );
}

function TriggerRow({ trigger, onOpen }: { trigger: Trigger; onOpen: () => void }) {
  const said = useWords(words);
  const { paused } = useWords(general);
  const locale = useLocale();
  const [next] = trigger.next_times;
  const details = [
    said.type[trigger.type],
    next ? said.next(formatDue(locale, next)) : null,
    trigger.disabled_reason ?? null,
    trigger.last_fired_at ? said.lastFired(formatTime(locale, trigger.last_fired_at)) : said.neverFired,
  ];
  return (
    <Row
      title={firstLine(trigger.prompt)}
      badge={!trigger.enabled && <Badge tone={trigger.disabled_reason ? "bad" : "warn"}>{paused}</Badge>}
      detail={details.filter(Boolean).join(" · ")}
      onOpen={onOpen}
    />
  );
}
