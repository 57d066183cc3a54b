// `npm run bench -- --cost`: what Cloudflare bills for what people do with the product. Counted on a clock that runs
// faster, then priced with dated list prices.
import type { RunResult } from "../results.ts";
import { type Bill, billNames, PRICES_OF, totalOf, units } from "./prices.ts";
import { connect, type Scenario, scenarios } from "./scenarios.ts";
import { openStage, type Stage, subtractBill } from "./stage.ts";

interface Billed {
  title: string;
  bill: Bill;
  sleeps: number;
}

/** `beginnings` are of the titles to be billed; null bills all. */
export async function measureBills(
  folder: string,
  beginnings: string[] | null,
): Promise<RunResult & { over: string[] }> {
  const chosen = scenarios.filter(({ title }) => beginnings?.some((text) => title.startsWith(text)) ?? true);
  const stage = await openStage(folder);
  try {
    const billed: Billed[] = [];
    for (const scenario of chosen) billed.push(await measureBill(stage, scenario));
    const over = chosen.flatMap(({ title, most }, place) => listExcess(title, billed[place]?.bill, most));
    return { over, name: "cost", markdown: formatBills(billed), charts: {}, figures: { prices_of: PRICES_OF, billed } };
  } finally {
    await stage.close();
  }
}

const USUAL_SPEED = 10;

async function measureBill(stage: Stage, { title, speed, prepare, act }: Scenario): Promise<Billed> {
  console.error(`bill: ${title}`);
  const client = connect(stage);
  await stage.setSpeed(USUAL_SPEED);
  const prepared = (await prepare?.(client)) ?? {};
  await stage.settle();
  await stage.setSpeed(speed);
  const before = await stage.settle();
  await act(client, prepared);
  const after = await stage.settle();
  return { title, bill: subtractBill(after.bill, before.bill), sleeps: after.sleeps - before.sleeps };
}

export function formatBills(billed: Billed[]): string {
  const head = ["", ...billNames.map((name) => units[name].title), "US cents"];
  const rows = billed.map(({ title, bill }) => [
    title,
    ...billNames.map((name) => showAmount(bill[name])),
    showCents(totalOf(bill)),
  ]);
  const lines = [head, ["---", ...head.slice(1).map(() => "--:")], ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Rows and requests are whole; seconds have a machine's spread in them. */
function showAmount(amount: number): string {
  return Number.isInteger(amount) ? String(amount) : String(Number(amount.toPrecision(2)));
}

function showCents(dollars: number): string {
  return String(Number((dollars * 100).toPrecision(2)));
}

/** A line for each unit of which more was used than is allowed. */
export function listExcess(title: string, bill: Bill | undefined, most: Partial<Bill> = {}): string[] {
  return billNames.flatMap((name) => {
    const [used, allowed] = [bill?.[name] ?? 0, most[name] ?? Number.POSITIVE_INFINITY];
    return used > allowed ? [`${title}: ${showAmount(used)} ${units[name].title}, at most ${allowed}`] : [];
  });
}
