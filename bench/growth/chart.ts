// The chart of the three sweeps: what a turn or a token costs, the memory, and the rows.
import { drawPanel, PANEL_HEIGHT, PANEL_WIDTH, type Panel, type PanelLine } from "../draw/panel.ts";
import { drawSvg } from "../draw/svg.ts";
import type { Growth } from "./points.ts";
import type { TurnRows } from "./turn-rows.ts";

const [PRODUCT, SECOND, LOOP] = [0, 1, 2];

const title = "Costs over the messages of a thread, the readers of a stream and the threads of a process";

export function drawGrowth(growth: Growth): string {
  const rows = [costPanels(growth), memoryPanels(growth), rowPanels(growth)];
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

/** The object's and D1's together. */
function rowPanels({ messages, readers, threads }: Growth): Panel[] {
  const read = ({ object_read, d1_read }: TurnRows): number => object_read + d1_read;
  const written = ({ object_written, d1_written }: TurnRows): number => object_written + d1_written;
  return [
    {
      title: "Rows of a turn",
      counted: "messages in the thread",
      y: "log",
      lines: [
        line("read", PRODUCT, messages, ({ messages, rows }) => [messages, read(rows)]),
        line("written", SECOND, messages, ({ messages, rows }) => [messages, written(rows)]),
      ],
    },
    {
      title: "Rows of the run",
      counted: "readers of its stream",
      y: "linear",
      lines: [
        line("read", PRODUCT, readers, ({ open, rows }) => [open, read(rows)]),
        line("written", SECOND, readers, ({ open, rows }) => [open, written(rows)]),
      ],
    },
    {
      title: "Rows of a thread's second turn",
      counted: "threads in the process",
      y: "linear",
      lines: [
        line("read", PRODUCT, threads, (point) => [point.threads, read(point.rows_existing)]),
        line("written", SECOND, threads, (point) => [point.threads, written(point.rows_existing)]),
      ],
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
