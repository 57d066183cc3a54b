// The receipts that D1 lacks, shortened. They have a place of their own in the position: a thread without checks has no
// table of them, and asks nothing.
import type { PlacedReceipt } from "../../store/receipts/put.ts";
import { shortenReceipt } from "../../store/receipts/shorten.ts";
import { toReceipt } from "../../store/shapes/receipt.ts";
import { readStored } from "../../store/shapes/stored.ts";
import type { Sql } from "../rows/database.ts";
import { hasTable } from "../rows/tables.ts";

/** Beside the messages of a batch, which are as many. */
const MAX_ROWS = 100;
const MAX_CHARACTERS = 500_000;
/** A row has an output of 64 KiB. */
const ROWS_PER_READ = 10;

export interface NextReceipts {
  receipts: PlacedReceipt[];
  characters: number;
  /** D1 has all up to this place once it has these. */
  through: number;
  /** Whether there may be more. */
  isCut: boolean;
}

export function readNextReceipts(sql: Sql, after: number): NextReceipts {
  const receipts: PlacedReceipt[] = [];
  let characters = 0;
  let through = after;
  if (!hasTable(sql, "receipts")) return { receipts, characters, through, isCut: false };
  for (;;) {
    const page = sql
      .exec<{ seq: number; content: string }>(
        "SELECT seq, content FROM receipts WHERE seq > ? ORDER BY seq LIMIT ?",
        through,
        ROWS_PER_READ,
      )
      .toArray();
    for (const { seq, content } of page) {
      if (receipts.length >= MAX_ROWS || characters >= MAX_CHARACTERS)
        return { receipts, characters, through, isCut: true };
      through = seq;
      const receipt = readStored(toReceipt, content, "receipt", seq);
      // One that can't be read costs only itself.
      if (receipt === undefined) continue;
      const short = shortenReceipt(receipt);
      receipts.push({ ...short, seq });
      characters += JSON.stringify(short).length;
    }
    if (page.length < ROWS_PER_READ) return { receipts, characters, through, isCut: false };
  }
}
