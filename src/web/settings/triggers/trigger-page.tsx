// One trigger: its configuration, its actions, its next due times, its deliveries.
import { Pause, Pencil, Play, Zap } from "lucide-react";
import { useState } from "react";
import { May } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { Notice, ProblemNotice } from "../../parts/notice.tsx";
import { go } from "../../state/place.ts";
import { useWords } from "../../state/words.ts";
import { firstLine, formatTime, useLocale } from "../format.ts";
import { Bar } from "../parts/form.tsx";
import { Badge, Fact, Facts, Text } from "../parts/row.tsx";
import { CopyField, SecretOnce } from "../parts/secret-once.tsx";
import { Section } from "../parts/section.tsx";
import { DeleteButton, RotateButton } from "../parts/thing-buttons.tsx";
import { useAction } from "../use-action.ts";
import { useNames } from "../use-names.ts";
import { words as general } from "../words.ts";
import { DueTimes } from "./due-times.tsx";
import { draftOf, patchOf, type Trigger } from "./trigger.ts";
import { TriggerForm } from "./trigger-form.tsx";
import { TriggerLog } from "./trigger-log.tsx";
import { words } from "./words.ts";

export function TriggerPage({
  trigger,
  firstSecret,
  onChanged,
  onBack,
}: {
  trigger: Trigger;
  firstSecret: string | null;
  onChanged: () => Promise<void>;
  onBack: () => void;
}) {
  const said = useWords(words);
  const common = useWords(general);
  const [secret, setSecret] = useState(firstSecret);
  const [isEditing, setEditing] = useState(false);
  const path = `/v1/triggers/${encodeURIComponent(trigger.trigger_id)}`;
  if (isEditing) {
    return (
      <Section title={said.editTitle} onBack={() => setEditing(false)}>
        <TriggerForm
          start={draftOf(trigger)}
          submit={common.save}
          onCancel={() => setEditing(false)}
          send={async (api, draft) => {
            await api.send("PATCH", path, patchOf(draft));
            // The form would start from the old values if it were opened again before.
            await onChanged();
            setEditing(false);
          }}
        />
      </Section>
    );
  }
  return (
    <Section
      title={firstLine(trigger.prompt)}
      action={
        <Badge tone={trigger.enabled ? "good" : "warn"}>{trigger.enabled ? common.enabled : common.paused}</Badge>
      }
      onBack={onBack}
    >
      <Actions
        {...{ trigger, path, onChanged }}
        onEdit={() => setEditing(true)}
        onSecret={setSecret}
        onDeleted={() => {
          void onChanged();
          onBack();
        }}
      />
      {secret !== null && <SecretOnce name={said.secret} secret={secret} onDone={() => setSecret(null)} />}
      <Trouble trigger={trigger} />
      <Details trigger={trigger} />
      {trigger.type === "schedule" && <DueTimes trigger={trigger} />}
      <TriggerLog path={path} lastFired={trigger.last_fired_at} />
    </Section>
  );
}

function Actions({
  trigger,
  path,
  onChanged,
  onEdit,
  onSecret,
  onDeleted,
}: {
  trigger: Trigger;
  path: string;
  onChanged: () => Promise<void>;
  onEdit: () => void;
  onSecret: (secret: string) => void;
  onDeleted: () => void;
}) {
  const said = useWords(words);
  const common = useWords(general);
  const action = useAction();
  const [thread, setThread] = useState<string | null>(null);
  const toggle = (): void => {
    void action.run((api) => api.send("PATCH", path, { enabled: !trigger.enabled }).finally(onChanged));
  };
  const runNow = (): void => {
    void action.run(async (api) => {
      setThread((await api.send<{ thread_id: string }>("POST", `${path}/run`, {})).thread_id);
      void onChanged();
    });
  };
  return (
    <>
      <Bar>
        <May scope="run">
          <Button small icon={Zap} disabled={action.isBusy} onClick={runNow}>
            {said.runNow}
          </Button>
        </May>
        <May scope="write">
          <Button small icon={trigger.enabled ? Pause : Play} disabled={action.isBusy} onClick={toggle}>
            {trigger.enabled ? said.pause : said.resume}
          </Button>
          <Button small icon={Pencil} onClick={onEdit}>
            {common.edit}
          </Button>
        </May>
        {trigger.type === "webhook" && <RotateButton path={path} onSecret={onSecret} />}
        <DeleteButton path={path} question={said.deleteTitle} text={said.deleteText} onDone={onDeleted} />
      </Bar>
      {action.problem && <ProblemNotice problem={action.problem} />}
      {thread !== null && (
        <Notice
          tone="good"
          action={
            <Button small onClick={() => go({ thread, settings: null })}>
              {common.openThread}
            </Button>
          }
        >
          {said.started}
        </Notice>
      )}
    </>
  );
}

/** Why it is off, if a person did not turn it off. */
function Trouble({ trigger: { type, disabled_at, disabled_reason } }: { trigger: Trigger }) {
  const said = useWords(words);
  const locale = useLocale();
  if (!disabled_reason) return null;
  return (
    <Notice tone="bad">
      {said.disabledBecause(formatTime(locale, disabled_at ?? ""))} {disabled_reason}{" "}
      {type === "webhook" && said.needsSecret}
    </Notice>
  );
}

function Details({ trigger }: { trigger: Trigger }) {
  const said = useWords(words);
  const common = useWords(general);
  const locale = useLocale();
  const { type, verify, cron, timezone, overlap, thread, url, agent_id, project_id, last_fired_at } = trigger;
  const names = useNames();
  const threads: Record<string, string> = { new: said.threadNew, per_key: said.threadPerKey };
  return (
    <Facts>
      {url && (
        <Fact name={said.address}>
          <CopyField text={url} label={said.copyAddress} />
        </Fact>
      )}
      {type === "schedule" && (
        <Fact name={said.when}>
          {cron && said.presets[cron] ? `${said.presets[cron]} (${cron})` : cron}, {timezone}
        </Fact>
      )}
      {verify && <Fact name={said.scheme}>{said.schemes[verify.scheme] ?? verify.scheme}</Fact>}
      {overlap && <Fact name={said.overlap}>{said.overlaps[overlap]}</Fact>}
      <Fact name={said.prompt}>
        <Text>{trigger.prompt}</Text>
      </Fact>
      <Fact name={common.agent}>{names.agent(agent_id)}</Fact>
      {project_id !== null && <Fact name={common.project}>{names.project(project_id)}</Fact>}
      <Fact name={said.thread}>{threads[thread] ?? thread}</Fact>
      <Fact name={said.lastRun}>{last_fired_at ? formatTime(locale, last_fired_at) : said.neverFired}</Fact>
    </Facts>
  );
}
