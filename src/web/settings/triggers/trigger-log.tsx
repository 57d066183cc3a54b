// The deliveries of a trigger and what became of each: the run, or why there is none.
import { Inbox, RotateCw } from "lucide-react";
import type { ComponentProps } from "react";
import type { TriggerDeliveryStatus } from "../../../protocol/trigger.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { go } from "../../state/place.ts";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Group } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import type { TriggerDelivery } from "./trigger.ts";
import { words } from "./words.ts";

const tones: Record<TriggerDeliveryStatus, ComponentProps<typeof Badge>["tone"]> = {
  ...{ accepted: "good", refused: "bad", skipped: "info", waiting: "warn" },
};

export function TriggerLog({ path, lastFired }: { path: string; lastFired: string | null }) {
  const said = useWords(words);
  const common = useWords(general);
  const locale = useLocale();
  const list = useList<TriggerDelivery>(`${path}/deliveries?limit=20`, lastFired);
  return (
    <Group
      title={common.log}
      action={<IconButton small label={common.refresh} icon={RotateCw} onClick={() => void list.refresh()} />}
    >
      <ListView list={list} icon={Inbox} empty={said.emptyLog}>
        {({ delivery_id, status, reason, source_id, thread_id, created_at }) => (
          <Row
            key={delivery_id}
            title={formatTime(locale, created_at)}
            badge={<Badge tone={tones[status]}>{said.statuses[status]}</Badge>}
            detail={[reason, source_id].filter(Boolean).join(" · ")}
            actions={
              thread_id && (
                <Button small onClick={() => go({ thread: thread_id, settings: null })}>
                  {common.openThread}
                </Button>
              )
            }
          />
        )}
      </ListView>
    </Group>
  );
}
