// The deliveries to a webhook, with each attempt. One that is over can be sent again under its id, unless it is a ping.
import { RotateCw, Send } from "lucide-react";
import { type ComponentProps, useState } from "react";
import type { DeliveryStatus } from "../../../protocol/webhook.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { inputClass } from "../../parts/field.tsx";
import { ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { formatDuration, formatTime, useLocale } from "../format.ts";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Group } from "../parts/section.tsx";
import { useAction } from "../use-action.ts";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import type { Delivery } from "./webhook.ts";
import styles from "./webhook-log.module.css";
import { words } from "./words.ts";

const tones: Record<DeliveryStatus, ComponentProps<typeof Badge>["tone"]> = {
  ...{ delivered: "good", failed: "bad", pending: "warn" },
};
const statuses: DeliveryStatus[] = ["pending", "delivered", "failed"];

/** It is read again when `state` changes: while a webhook is off, pending deliveries end as failed. */
export function WebhookLog({
  path,
  mayReplay,
  state,
  onRefresh,
}: {
  path: string;
  mayReplay: boolean;
  state: string;
  onRefresh: () => void;
}) {
  const said = useWords(words);
  const common = useWords(general);
  const [status, setStatus] = useState("");
  const query = status === "" ? "" : `&status=${status}`;
  const list = useList<Delivery>(`${path}/deliveries?limit=20${query}`, state);
  const refresh = (): void => {
    void list.refresh();
    onRefresh();
  };
  return (
    <Group
      title={common.log}
      action={
        <>
          <select
            className={`${inputClass} ${styles.filter}`}
            aria-label={said.filter}
            value={status}
            onChange={(event) => setStatus(event.target.value)}
          >
            <option value="">{said.all}</option>
            {statuses.map((each) => (
              <option key={each} value={each}>
                {said.statuses[each]}
              </option>
            ))}
          </select>
          <IconButton small label={common.refresh} icon={RotateCw} onClick={refresh} />
        </>
      }
    >
      <ListView list={list} icon={Send} empty={status === "" ? said.emptyLog : said.emptyFiltered}>
        {(delivery) => (
          <DeliveryRow
            key={delivery.delivery_id}
            {...{ delivery, path, mayReplay }}
            onReplayed={() => void list.refresh()}
          />
        )}
      </ListView>
    </Group>
  );
}

function DeliveryRow({
  delivery,
  path,
  mayReplay,
  onReplayed,
}: {
  delivery: Delivery;
  path: string;
  mayReplay: boolean;
  onReplayed: () => void;
}) {
  const said = useWords(words);
  const locale = useLocale();
  const action = useAction();
  const { delivery_id, event, status, created_at, next_attempt_at, tries, payload } = delivery;
  const replay = (): void => {
    const address = `${path}/deliveries/${encodeURIComponent(delivery_id)}/replay`;
    void action.run((api) => api.send("POST", address, undefined)).then((done) => done && onReplayed());
  };
  const details = [
    formatTime(locale, created_at),
    said.tries(tries.length),
    next_attempt_at && status === "pending" ? said.nextTry(formatTime(locale, next_attempt_at)) : null,
  ];
  return (
    <Row
      title={said.event[event] ?? event}
      badge={<Badge tone={tones[status]}>{said.statuses[status]}</Badge>}
      detail={details.filter(Boolean).join(" · ")}
      actions={
        mayReplay &&
        event !== "webhook.ping" && (
          <Button small disabled={action.isBusy || status === "pending"} onClick={replay}>
            {said.replay}
          </Button>
        )
      }
    >
      {action.problem && <ProblemNotice problem={action.problem} />}
      <details className={styles.details}>
        <summary>{delivery_id}</summary>
        <ul className={styles.tries}>
          {tries.map((each) => (
            <li key={each.at}>
              <span>{formatTime(locale, each.at)}</span>
              <span>{each.status ?? said.noAnswer}</span>
              <span>{formatDuration(locale, each.duration_ms)}</span>
              {each.error && <span className={styles.error}>{each.error}</span>}
            </li>
          ))}
        </ul>
        <p className={styles.name}>{said.payload}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is wide is scrolled with the keyboard too */}
        <pre className={styles.payload} tabIndex={0}>
          {JSON.stringify(payload, null, 2)}
        </pre>
      </details>
    </Row>
  );
}
