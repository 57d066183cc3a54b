// What the outputs of checks hold while others run: a look takes minutes, and its receipts are stored together. A plan may
// have a thousand checks with 64 KiB each, and all threads of an isolate share its memory. So beyond a bound an output
// has its ends alone, as D1 has them, then less. Nobody waits for room, and no receipt is lost for the want of it.
import { Room, Share } from "../../../lib/memory/room.ts";
import { bytesOf, ownText } from "../../../lib/memory/text-bytes.ts";
import { cutEnd, cutStart } from "../../../lib/truncate.ts";
import type { Sight } from "./look.ts";

type Output = NonNullable<Sight["output"]>;

/** Of all looks: a hundred whole outputs. One has half of it. */
export const MAX_OUTPUTS_BYTES = 6 * 1024 * 1024;
const outputs = new Room("checks", MAX_OUTPUTS_BYTES);

/** Characters of each end. The least is a line or two, for which there is always room. */
const KEPT = 4_000;
const LEAST = 200;

export class KeptOutputs {
  readonly #share = new Share(outputs);

  /** Call it once the whole was judged. */
  keep(output: Output): Output {
    const kept = [output, cutOutput(output, KEPT)].find((each) => this.#fits(each)) ?? cutOutput(output, LEAST);
    this.#share.set(this.#share.bytes + weigh(kept));
    return kept;
  }

  /** They are stored now. */
  release(): void {
    this.#share.set(0);
  }

  #fits(output: Output): boolean {
    const bytes = weigh(output);
    return outputs.fits(bytes) && this.#share.bytes + bytes <= MAX_OUTPUTS_BYTES / 2;
  }
}

function weigh({ head, tail }: Output): number {
  return bytesOf(head) + bytesOf(tail);
}

/** Its size and hash stay those of the whole. */
function cutOutput(output: Output, kept: number): Output {
  const { head, tail } = output;
  const isShort = tail === "" ? head.length <= 2 * kept : head.length <= kept && tail.length <= kept;
  if (isShort) return output;
  return { ...output, head: ownText(cutEnd(head, kept)), tail: ownText(cutStart(tail === "" ? head : tail, kept)) };
}
