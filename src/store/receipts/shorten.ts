// A receipt as D1 has it. The object keeps up to 64 KiB of an output; D1, which is the first to be full, its ends. Hash and
// size are those of the whole output, so whoever has it can still tell that it is the same.
import { ownText } from "../../lib/memory/text-bytes.ts";
import { cutEnd, cutStart } from "../../lib/truncate.ts";
import type { Receipt } from "../../protocol/plan/check.ts";

/** Of each end: the command's beginning and its totals, which a person reads. A megabyte for more than a hundred checks. */
export const KEPT_CHARACTERS = 4_000;

/** The same object if it is short. */
export function shortenReceipt(receipt: Receipt): Receipt {
  const { output_head, output_tail } = receipt;
  if (output_tail === "") {
    if (output_head.length <= 2 * KEPT_CHARACTERS) return receipt;
    return { ...receipt, ...endsOf(output_head, output_head) };
  }
  if (output_head.length <= KEPT_CHARACTERS && output_tail.length <= KEPT_CHARACTERS) return receipt;
  return { ...receipt, ...endsOf(output_head, output_tail) };
}

function endsOf(head: string, tail: string): Pick<Receipt, "output_head" | "output_tail"> {
  // A batch weighs what it sends, so it must not hold more.
  return { output_head: ownText(cutEnd(head, KEPT_CHARACTERS)), output_tail: ownText(cutStart(tail, KEPT_CHARACTERS)) };
}
