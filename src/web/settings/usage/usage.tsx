// Tokens used by day: sums, a chart, and a table for screen readers.

import { ChartColumn } from "lucide-react";
import { useMemo, useState } from "react";
import type { SpentCap } from "../../../protocol/money/spent.ts";
import type { UsageDay } from "../../../protocol/usage.ts";
import { useMay } from "../../app/may.tsx";
import { formatMoney } from "../../client/money.ts";
import { Button } from "../../parts/button.tsx";
import { inputClass } from "../../parts/field.tsx";
import { Empty, ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { formatCompact, formatDay, formatNumber, useLocale } from "../format.ts";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { ByUser } from "./by-user.tsx";
import { fillDays, type Measure, sumDays, tokensOf } from "./chart.ts";
import { Chart } from "./chart.tsx";
import { HeadRow } from "./head-row.tsx";
import { OwnCaps } from "./own-caps.tsx";
import styles from "./usage.module.css";
import { words } from "./words.ts";

const periods = [7, 30, 90];

export function Usage() {
  const said = useWords(words);
  const { sections } = useWords(general);
  const [days, setDays] = useState(30);
  const mayRead = useMay("read");
  const isAdmin = useMay("admin");
  return (
    <Section
      title={sections.usage}
      about={mayRead ? said.about : said.aboutUsers}
      action={
        <select
          className={`${inputClass} ${styles.period}`}
          aria-label={said.period}
          value={days}
          onChange={(event) => setDays(Number(event.target.value))}
        >
          {periods.map((each) => (
            <option key={each} value={each}>
              {said.days(each)}
            </option>
          ))}
        </select>
      }
    >
      {mayRead && <Period key={days} days={days} />}
      {isAdmin && <ByUser days={days} />}
    </Section>
  );
}

function Period({ days }: { days: number }) {
  const said = useWords(words);
  const { retry, loading } = useWords(general);
  const list = useList<UsageDay, { caps: SpentCap[] }>(`/v1/usage?days=${days}`);
  const caps = list.page?.caps ?? [];
  const [measure, setMeasure] = useState<Measure>("tokens");
  const filled = useMemo(() => fillDays(list.rows ?? [], days, Date.now()), [list.rows, days]);
  const sum = useMemo(() => sumDays(filled), [filled]);
  if (list.problem && list.rows === null) {
    const again = (
      <Button small onClick={() => void list.refresh()}>
        {retry}
      </Button>
    );
    return <ProblemNotice problem={list.problem} action={again} />;
  }
  if (list.rows === null) {
    return (
      <div className={styles.waiting} role="status">
        <span className="unseen">{loading}</span>
      </div>
    );
  }
  if (list.rows.length === 0) {
    return (
      <>
        <OwnCaps caps={caps} />
        <div className={styles.waiting}>
          <Empty icon={ChartColumn}>
            <p>{said.empty}</p>
          </Empty>
        </div>
      </>
    );
  }
  return (
    <>
      <OwnCaps caps={caps} />
      <Totals sum={sum} />
      {sum.cost_usd !== null && <Measures measure={measure} onChange={setMeasure} />}
      <Chart days={filled} measure={sum.cost_usd === null ? "tokens" : measure} />
      <Table days={list.rows} />
    </>
  );
}

function Measures({ measure, onChange }: { measure: Measure; onChange: (measure: Measure) => void }) {
  const said = useWords(words);
  return (
    <fieldset className={styles.measures}>
      <legend className="unseen">{said.show}</legend>
      {(["tokens", "cost"] as const).map((each) => (
        <label key={each}>
          <input
            type="radio"
            name="measure"
            className="unseen"
            checked={measure === each}
            onChange={() => onChange(each)}
          />
          {each === "cost" ? said.cost : said.total}
        </label>
      ))}
    </fieldset>
  );
}

function Totals({ sum }: { sum: UsageDay }) {
  const said = useWords(words);
  const locale = useLocale();
  const share = sum.input_tokens === 0 ? 0 : sum.cached_input_tokens / sum.input_tokens;
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(share);
  const tile = (name: string, value: string, more?: string) => (
    <div className={styles.tile}>
      <dt>{name}</dt>
      <dd className={styles.value}>{value}</dd>
      <dd className={styles.more}>{more ?? "\u00a0"}</dd>
    </div>
  );
  return (
    <dl className={styles.tiles}>
      {tile(said.total, formatCompact(locale, tokensOf(sum)), formatNumber(locale, tokensOf(sum)))}
      {tile(said.input, formatCompact(locale, sum.input_tokens), formatNumber(locale, sum.input_tokens))}
      {tile(said.cached, formatCompact(locale, sum.cached_input_tokens), said.share(percent))}
      {tile(said.output, formatCompact(locale, sum.output_tokens), formatNumber(locale, sum.output_tokens))}
      {tile(said.runs, formatNumber(locale, sum.runs))}
      {tile(
        said.cost,
        sum.cost_usd === null ? "–" : formatMoney(locale, sum.cost_usd),
        sum.cost_usd === null ? said.costUnknown : sayEstimated(sum, said, locale),
      )}
    </dl>
  );
}

function sayEstimated({ estimated }: UsageDay, said: (typeof words)["en"], locale: string): string | undefined {
  return estimated?.cost_usd == null ? undefined : said.estimated(formatMoney(locale, estimated.cost_usd));
}

/** The chart's data in words, without days that have no runs. */
function Table({ days }: { days: UsageDay[] }) {
  const said = useWords(words);
  const locale = useLocale();
  const numbers = (day: UsageDay) => [
    ...[day.input_tokens, day.cached_input_tokens, day.output_tokens, day.runs].map((n) => formatNumber(locale, n)),
    day.cost_usd === null ? "–" : formatMoney(locale, day.cost_usd),
  ];
  return (
    <div className="unseen">
      <table>
        <caption>{said.chart}</caption>
        <HeadRow names={[said.day, said.input, said.cached, said.output, said.runs, said.cost]} />
        <tbody>
          {days.map((day) => (
            <tr key={day.date}>
              <th scope="row">{formatDay(locale, day.date, true)}</th>
              {numbers(day).map((number, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns stay where they are
                <td key={place}>{number}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
