// The person's own limits of this day and month: what is spent of each, and when it begins anew.
import type { SpentCap } from "../../../protocol/money/spent.ts";
import { formatCap, useCostFormats } from "../../costs/formats.ts";
import { words as costs } from "../../costs/words.ts";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import styles from "./usage.module.css";
import { words } from "./words.ts";

export function OwnCaps({ caps }: { caps: SpentCap[] }) {
  const said = useWords(words);
  const units = useWords(costs);
  const formats = useCostFormats();
  const locale = useLocale();
  if (caps.length === 0) return null;
  return (
    <dl className={styles.tiles} aria-label={said.limits} data-caps>
      {caps.map(({ name, limit, used, reserved, period, resets_at }) => {
        // Working time is counted in milliseconds.
        const amount = (value: number) => formatCap(formats, units, name, Math.round(value * 1e4) / 1e4);
        const more = [
          ...(reserved > 0 ? [said.reservedBy(amount(reserved))] : []),
          ...(resets_at === null ? [] : [said.resets(formatTime(locale, resets_at))]),
        ];
        return (
          <div key={`${period} ${name}`} className={styles.tile}>
            <dt>{period?.length === "2026-11".length ? said.limitOfMonth : said.limitOfDay}</dt>
            <dd className={styles.value}>{said.usedOf(amount(used), amount(limit))}</dd>
            <dd className={styles.more}>{more.join(" · ")}</dd>
          </div>
        );
      })}
    </dl>
  );
}
