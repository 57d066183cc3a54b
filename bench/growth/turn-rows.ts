// The rows that turns read and write, in D1 and in the object: counted in a server of their own, since counting costs
// time.
import { type Cost, startCountedProduct, subtract, waitUntilIdle } from "../guard/counted-product.ts";
import type { Parts } from "../targets/servers.ts";
import type { Served } from "../turns/subject.ts";
import { makeFolder, type Stage } from "./stage.ts";

/** Of one turn, on average. */
export interface TurnRows {
  object_read: number;
  object_written: number;
  d1_read: number;
  d1_written: number;
}

export interface RowCounter {
  subject: Served;
  /**
   * The rows of a turn. `take` takes `turns` of them in all, in these threads. Other threads' queries to D1 are left
   * out: half a minute after its turn each thread looks once whether D1 has everything.
   */
  count(threads: string[], turns: number, take: () => Promise<unknown>): Promise<TurnRows>;
}

/** Runs `work` on a counting server with the data of an earlier one. */
export async function withRowCounter<T>(
  { client, folder }: Stage,
  parts: Parts,
  data: string,
  work: (counter: RowCounter) => Promise<T>,
): Promise<T> {
  let counted: string[] = [];
  const isCounted = (query: string): boolean => counted.some((thread) => query.includes(JSON.stringify(thread)));
  const product = await startCountedProduct(parts, await makeFolder(folder, data), isCounted);
  const { url, pid, stop } = product.server;
  try {
    return await work({
      subject: { server: { name: "taskloom", url, pid, stop }, client },
      async count(threads, turns, take) {
        counted = threads;
        const before = await waitUntilIdle(product);
        await take();
        return rowsOf(subtract(await waitUntilIdle(product), before), turns);
      },
    });
  } finally {
    await product.stop();
  }
}

function rowsOf(cost: Cost, turns: number): TurnRows {
  return {
    object_read: cost.object_rows_read / turns,
    object_written: cost.object_rows_written / turns,
    d1_read: cost.d1_rows_read / turns,
    d1_written: cost.d1_rows_written / turns,
  };
}
