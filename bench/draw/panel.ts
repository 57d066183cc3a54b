// A small line chart: values over counts from one to thousands, so its x axis is logarithmic. Its y axis is linear from
// zero, or logarithmic where values grow as the counts do.
import { drawCurve, drawLine, drawText, linearScale, logScale } from "./svg.ts";

export interface Panel {
  title: string;
  /** What the x axis counts. */
  counted: string;
  y: "linear" | "log";
  lines: PanelLine[];
}

export interface PanelLine {
  name: string;
  /** Which colour. */
  series: number;
  points: [count: number, value: number][];
}

interface Axis {
  scale: (value: number) => number;
  ticks: number[];
}

export const PANEL_WIDTH = 280;
export const PANEL_HEIGHT = 250;

// Room for the title, the names, the numbers beside and below, and what is counted.
const TOP = 46;
const LEFT = 44;
const RIGHT = 18;
const BOTTOM = 42;

const width = PANEL_WIDTH - LEFT - RIGHT;
const height = PANEL_HEIGHT - TOP - BOTTOM;

/** At `left` and `top` in the drawing. */
export function drawPanel({ title, counted, y, lines }: Panel, left: number, top: number): string[] {
  const all = lines.flatMap(({ points }) => points);
  if (all.length === 0) return [];
  const across = logAxis(
    all.map(([count]) => count),
    width,
  );
  const up = (y === "log" ? logAxis : linearAxis)(
    all.map(([, value]) => value),
    height,
  );
  const [x0, y0] = [left + LEFT, top + TOP + height];
  return [
    drawText(left + 12, top + 16, title, 'class="t" font-weight="600"'),
    ...drawNames(lines, left + 12, top + 33),
    ...up.ticks.flatMap((tick) => drawRung(tick, x0, y0 - up.scale(tick))),
    ...across.ticks.map((tick) => drawTick(tick, x0 + across.scale(tick), y0)),
    drawText(x0 + width / 2, y0 + 33, counted, 'class="q" text-anchor="middle" font-size="11"'),
    ...lines.map(({ points, series }) =>
      drawCurve(
        points.map(([count, value]) => [x0 + across.scale(count), y0 - up.scale(value)]),
        series,
      ),
    ),
  ];
}

function drawNames(lines: PanelLine[], left: number, top: number): string[] {
  let x = left;
  return lines.flatMap(({ name, series }) => {
    const start = x;
    // Some seven pixels are a letter's width at this size.
    x += 34 + name.length * 6.5;
    return [
      drawLine(start, top - 4, start + 14, top - 4, `class="l${series}"`),
      drawText(start + 19, top, name, 'class="q" font-size="11"'),
    ];
  });
}

function drawRung(value: number, x: number, y: number): string[] {
  return [
    drawLine(x, y, x + width, y),
    drawText(x - 6, y + 4, formatShort(value), 'class="q" text-anchor="end" font-size="11"'),
  ];
}

function drawTick(count: number, x: number, y: number): string {
  return drawText(x, y + 17, formatShort(count), 'class="q" text-anchor="middle" font-size="11"');
}

/** From a power of ten to what is greatest. Where there are few powers, their halves and fifths are named too. */
function logAxis(values: number[], length: number): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const least = 10 ** Math.floor(Math.log10(low));
  const powers = Math.ceil(Math.log10(high / least) + 0.001);
  const steps = powers > 2 ? [1] : [1, 2, 5];
  const marks = Array.from({ length: powers + 1 }, (_, power) =>
    steps.map((step) => step * least * 10 ** power),
  ).flat();
  const first = marks.findLast((mark) => mark <= low) ?? least;
  // The last mark may be below what is greatest: the line then ends above it.
  const most = Math.max(high, first * 2);
  return { scale: logScale(first, most, length), ticks: marks.filter((mark) => mark >= first && mark <= most) };
}

function linearAxis(values: number[], length: number): Axis {
  const high = Math.max(...values);
  const rough = 10 ** Math.floor(Math.log10(high));
  const step = [0.2, 0.5, 1, 2].map((part) => part * rough).find((size) => high / size <= 5) ?? rough;
  const count = Math.ceil(high / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { scale: linearScale(0, count * step, length), ticks };
}

function formatShort(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1000 ? `${value / 1000}k` : String(Number(value.toPrecision(6)));
}
