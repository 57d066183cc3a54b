// The chart of the three sweeps: above what a turn or a token costs, below the memory.
import { drawPanel, PANEL_HEIGHT, PANEL_WIDTH, type Panel, type PanelLine } from "../draw/panel.ts";
import { drawSvg } from "../draw/svg.ts";
import type { Growth } from "./points.ts";

const [PRODUCT, SECOND, LOOP] = [0, 1, 2];

const title = "Costs over the messages of a thread, the readers of a stream and the threads of a process";

export function drawGrowth(growth: Growth): string {
  const rows = [costPanels(growth), memoryPanels(growth)];
  const panels = rows.flatMap((row, line) =>
    row.flatMap((panel, place) => drawPanel(panel, place * PANEL_WIDTH, line * PANEL_HEIGHT + 4)),
  );
  return drawSvg(3 * PANEL_WIDTH, rows.length * PANEL_HEIGHT + 8, title, panels);
}

function costPanels({ messages, readers, threads }: Growth): Panel[] {
  return [
    {
      title: "Turn, ms",
      counted: "messages in the thread",
      y: "log",
      lines: [
        line("Taskloom", PRODUCT, messages, (point) => [point.messages, point.taskloom.times.turn.median]),
        line("loop", LOOP, messages, (point) => [point.messages, point.loop.times.turn.median]),
      ],
    },
    {
      title: "CPU of a token, µs",
      counted: "readers of its stream",
      y: "log",
      lines: [
        line("all readers", PRODUCT, readers, (point) => [point.open, point.cpu_per_token?.median]),
        line("each", SECOND, readers, ({ open, cpu_per_token }) => [open, (cpu_per_token?.median ?? 0) / open]),
      ],
    },
    {
      title: "Turn, ms",
      counted: "threads in the process",
      y: "linear",
      lines: [
        line("in a new thread", PRODUCT, threads, (point) => [point.threads, point.new_thread.turn.median]),
        line("existing", SECOND, threads, (point) => [point.threads, point.existing_thread.turn.median]),
      ],
    },
  ];
}

function memoryPanels({ messages, readers, threads }: Growth): Panel[] {
  return [
    {
      title: "Memory, MiB",
      counted: "messages in the thread",
      y: "linear",
      lines: [
        line("Taskloom", PRODUCT, messages, (point) => [point.messages, point.taskloom.memory_mib]),
        line("loop", LOOP, messages, (point) => [point.messages, point.loop.memory_mib]),
      ],
    },
    {
      title: "Memory, MiB",
      counted: "readers of its stream",
      y: "linear",
      lines: [line("Taskloom", PRODUCT, readers, (point) => [point.open, point.memory_mib?.median])],
    },
    {
      title: "Memory, MiB",
      counted: "threads in the process",
      y: "linear",
      lines: [line("Taskloom", PRODUCT, threads, (point) => [point.threads, point.memory_mib])],
    },
  ];
}

/** Without the points that have no figure. */
function line<Point>(
  name: string,
  series: number,
  points: Point[],
  read: (point: Point) => [count: number, value: number | null | undefined],
): PanelLine {
  const known = points.flatMap((point): [number, number][] => {
    const [count, value] = read(point);
    return value == null || value <= 0 ? [] : [[count, value]];
  });
  return { name, series, points: known };
}
