// When a schedule is due next, in its own zone and in the person's where they differ.
import { useWords } from "../../state/words.ts";
import { formatDue, useLocale } from "../format.ts";
import { Group } from "../parts/section.tsx";
import styles from "./due-times.module.css";
import { ownZone, type Trigger } from "./trigger.ts";
import { words } from "./words.ts";

export function DueTimes({ trigger }: { trigger: Trigger }) {
  const said = useWords(words);
  const locale = useLocale();
  const zone = trigger.timezone ?? "UTC";
  const own = ownZone();
  const { next_times } = trigger;
  if (next_times.length === 0) {
    return (
      <Group title={said.nextTimes}>
        <p className={styles.none}>{trigger.enabled ? said.none : said.pausedTimes}</p>
      </Group>
    );
  }
  return (
    <Group title={said.nextTimes}>
      <div className={styles.box}>
        <table className={styles.times}>
          <thead>
            <tr>
              <th scope="col">{zone}</th>
              {own !== zone && (
                <th scope="col">
                  {said.yours} ({own})
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {next_times.map((time) => (
              <tr key={time}>
                <td>{formatDue(locale, time, zone)}</td>
                {own !== zone && <td>{formatDue(locale, time, own)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Group>
  );
}
