// The chart of `npm run bench -- --peers`: how many times the hand-written loop's cost each server has, row by row. A
// row where more is better is turned around, so that a shorter bar is always better.
import { drawBar, drawLine, drawSvg, drawText, logScale } from "../draw/svg.ts";
import { type TargetName, titles } from "../targets/targets.ts";
import { median, present } from "./figures.ts";
import type { Round } from "./rounds.ts";
import { type Row, rows } from "./rows.ts";
import { ratiosOf } from "./table.ts";

const series: TargetName[] = ["taskloom", "node", "agents"];
const marks = [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256];
const [LEAST, MOST] = [0.5, 256];

const WIDTH = 840;
const LEFT = 205;
const RIGHT = 70;
const TOP = 62;
const BAR = 9;
const ROW = series.length * (BAR + 2) + 12;

export function drawComparison(rounds: Round[]): string {
  const shown = rows.filter((row) => row.label !== undefined && costOf(rounds, row, "taskloom") !== null);
  const scale = logScale(LEAST, MOST, WIDTH - LEFT - RIGHT);
  const height = TOP + shown.length * ROW + 14;
  const grid = marks.flatMap((mark) => {
    const x = LEFT + scale(mark);
    const line = drawLine(x, TOP - 8, x, height - 14, mark === 1 ? 'class="g" stroke-width="2"' : 'class="g"');
    return [drawText(x, TOP - 14, `${mark}×`, 'class="q" text-anchor="middle" font-size="11"'), line];
  });
  const bars = shown.flatMap((row, index) => drawRow(rounds, row, TOP + index * ROW, scale));
  return drawSvg(WIDTH, height, "Cost of each server in multiples of a hand-written loop", [
    ...drawLegend(),
    ...grid,
    ...bars,
  ]);
}

function drawRow(rounds: Round[], row: Row, top: number, scale: (value: number) => number): string[] {
  const middle = top + (series.length * (BAR + 2)) / 2 + 4;
  const bars = series.flatMap((name, index) => {
    const cost = costOf(rounds, row, name);
    if (cost === null) return [];
    const y = top + index * (BAR + 2);
    const width = scale(Math.min(MOST, Math.max(LEAST, cost)));
    const said = cost >= 10 ? cost.toFixed(0) : cost.toFixed(1);
    return [
      drawBar(LEFT, y, width, BAR, index),
      drawText(LEFT + width + 5, y + BAR - 1, `${said}×`, 'class="q" font-size="10"'),
    ];
  });
  return [drawText(LEFT - 10, middle, row.label ?? "", 'class="t" text-anchor="end"'), ...bars];
}

function drawLegend(): string[] {
  const heading = drawText(
    10,
    20,
    "Cost beside a hand-written loop (1×), shorter is better",
    'class="t" font-weight="600"',
  );
  const names = series.flatMap((name, index) => {
    const x = 450 + index * 130;
    return [drawBar(x, 11, 10, 10, index), drawText(x + 16, 20, titles[name].replaceAll("`", ""))];
  });
  return [heading, ...names];
}

/** The median of the rounds' ratios to the loop; above 1 is worse. */
function costOf(rounds: Round[], row: Row, name: TargetName): number | null {
  const ratios = present(
    row.better === "less" ? ratiosOf(rounds, row, name, "loop") : ratiosOf(rounds, row, "loop", name),
  );
  return ratios.length === 0 ? null : median(ratios);
}
