// From the bytes that a script kept of an output to text.
import type { CommandSeen } from "../../../agent/checks/place.ts";
import type { OutputMask } from "../../output-mask.ts";
import { KEPT_BYTES } from "./command-script.ts";

export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

/** Null if it is no text. `is_cut`: more follows, so the last character may be a part of one. */
export function readText(bytes: Uint8Array, is_cut: boolean): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: is_cut });
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

type Output = Pick<CommandSeen, "output_head" | "output_tail">;

/** `head` and `tail` are the first and the last bytes of `total`. Values that `mask` knows are not shown. */
export function readOutput(
  { head, tail, total }: { head: Uint8Array; tail: Uint8Array; total: number },
  mask: OutputMask | null,
): Output {
  if (total <= 2 * KEPT_BYTES) {
    const whole = new Uint8Array(total);
    whole.set(tail.subarray(0, total), total - Math.min(total, tail.length));
    whole.set(head.subarray(0, total));
    const text = decode(whole);
    return { output_head: mask?.apply(text) ?? text, output_tail: "" };
  }
  const first = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(head, { stream: true });
  const begin = clean(first);
  let start = 0;
  while (start < 3 && ((tail[start] ?? 0) & 0xc0) === 0x80) start++;
  const end = decode(tail.subarray(start));
  return { output_head: mask?.applyToHead(begin) ?? begin, output_tail: mask?.applyToTail(end) ?? end };
}

/** Any bytes as text. */
export function decode(bytes: Uint8Array): string {
  return clean(new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes));
}

/** NUL ends strings in many readers of the output. */
function clean(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
