// Bars by day. The line above shows the day under the pointer or the focus, otherwise all days; it is always there, so
// nothing moves. One bar is in the tab order, the arrow keys move between bars.

import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import type { UsageDay } from "../../../protocol/usage.ts";
import { formatMoney } from "../../client/money.ts";
import { useWords } from "../../state/words.ts";
import { formatCompact, formatDay, formatNumber, useLocale } from "../format.ts";
import { drawBar, findTop, type Measure, measured, nameRank, sumDays } from "./chart.ts";
import styles from "./usage.module.css";
import { words } from "./words.ts";

export function Chart({ days, measure }: { days: UsageDay[]; measure: Measure }) {
  const said = useWords(words);
  const locale = useLocale();
  const [pointed, setPointed] = useState<number | null>(null);
  const [focused, setFocused] = useState(days.length - 1);
  const plot = useRef<HTMLDivElement>(null);
  const top = findTop(days, measure);
  const isCost = measure === "cost";
  const name = isCost ? said.costChart : said.chart;
  const show = (value: number) => (isCost ? formatMoney(locale, value) : formatNumber(locale, value));
  const shown = pointed === null ? null : (days[pointed] ?? null);
  const point = (event: PointerEvent): void => {
    const box = plot.current?.getBoundingClientRect();
    if (!box) return;
    const place = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    setPointed(Math.min(days.length - 1, Math.max(0, place)));
  };
  const press = (event: KeyboardEvent): void => {
    const next = placeAfter(event.key, focused, days.length);
    if (next === null) return;
    event.preventDefault();
    plot.current?.querySelectorAll("button")[next]?.focus();
  };
  return (
    <figure className={styles.chart}>
      <Reading day={shown} sum={sumDays(days)} measure={measure} />
      <div className={styles.area}>
        <div className={styles.scale} aria-hidden="true">
          {[top, top / 2, 0].map((value) => (
            <span key={value}>{isCost ? formatMoney(locale, value) : formatCompact(locale, value)}</span>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: it groups buttons of a chart, no fields */}
        <div
          ref={plot}
          className={styles.plot}
          role="group"
          aria-label={`${name}. ${said.chartHint}`}
          onKeyDown={press}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={(event) => event.pointerType === "mouse" && setPointed(null)}
        >
          {days.map((day, place) => (
            <Column
              key={day.date}
              day={day}
              top={top}
              measure={measure}
              isPointed={place === pointed}
              isInOrder={place === focused}
              label={(isCost ? said.costLabel : said.ariaLabel)(
                formatDay(locale, day.date, true),
                show(measured(day, measure)),
                formatNumber(locale, day.runs),
              )}
              rank={nameRank(place, days.length)}
              onFocus={() => {
                setFocused(place);
                setPointed(place);
              }}
              onBlur={() => setPointed(null)}
            />
          ))}
        </div>
      </div>
    </figure>
  );
}

function Column({
  day,
  top,
  measure,
  isPointed,
  isInOrder,
  label,
  rank,
  onFocus,
  onBlur,
}: {
  day: UsageDay;
  top: number;
  measure: Measure;
  isPointed: boolean;
  isInOrder: boolean;
  label: string;
  rank: ReturnType<typeof nameRank>;
  onFocus: () => void;
  onBlur: () => void;
}) {
  const locale = useLocale();
  const isCost = measure === "cost";
  const bar = drawBar(day, isCost ? 0 : top);
  const cost = isCost && top > 0 ? (measured(day, measure) / top) * 100 : 0;
  const part = (className: string | undefined, height: number) =>
    height > 0 && <span className={className} style={{ height: `${height}%` }} />;
  return (
    <button
      type="button"
      className={styles.column}
      data-pointed={isPointed || undefined}
      tabIndex={isInOrder ? 0 : -1}
      aria-label={label}
      onFocus={onFocus}
      onBlur={onBlur}
    >
      <span className={styles.bar}>
        {part(styles.cost, cost)}
        {part(styles.output, bar.output)}
        {part(styles.input, bar.input)}
        {part(styles.cached, bar.cached)}
      </span>
      {rank && (
        <span className={styles.name} data-rank={rank} aria-hidden="true">
          {formatDay(locale, day.date)}
        </span>
      )}
    </button>
  );
}

/** The legend, with the values of one day or of all. */
function Reading({ day, sum, measure }: { day: UsageDay | null; sum: UsageDay; measure: Measure }) {
  const said = useWords(words);
  const locale = useLocale();
  const shown = day ?? sum;
  const isCost = measure === "cost";
  const fresh = shown.input_tokens - shown.cached_input_tokens;
  return (
    <figcaption className={styles.reading} aria-hidden="true">
      <strong>{day ? formatDay(locale, day.date, true) : said.whole}</strong>
      <span className={styles.key}>
        {!isCost && <i className={styles.cached} />}
        {said.cached} {formatNumber(locale, shown.cached_input_tokens)}
      </span>
      <span className={styles.key}>
        {!isCost && <i className={styles.input} />}
        {said.input} {formatNumber(locale, Math.max(0, fresh))}
      </span>
      <span className={styles.key}>
        {!isCost && <i className={styles.output} />}
        {said.output} {formatNumber(locale, shown.output_tokens)}
      </span>
      <span className={styles.key}>
        {said.runs} {formatNumber(locale, shown.runs)}
      </span>
      {shown.cost_usd !== null && (
        <span className={styles.key}>
          {isCost && <i className={styles.cost} />}
          {said.cost} {formatMoney(locale, shown.cost_usd)}
        </span>
      )}
    </figcaption>
  );
}

function placeAfter(key: string, place: number, count: number): number | null {
  const steps: Record<string, number> = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: count - 1 };
  const next = steps[key];
  return next === undefined ? null : Math.min(count - 1, Math.max(0, next));
}
