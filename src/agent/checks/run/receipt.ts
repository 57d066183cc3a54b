// A receipt of what was seen, and how a model reads one that failed.
import { cutEnd, cutMiddle } from "../../../lib/truncate.ts";
import type { Receipt } from "../../../protocol/plan/check.ts";
import { describeUnprotected } from "../protected-pattern.ts";
import type { WantedCheck } from "../runner.ts";
import { pickEvidence } from "./evidence.ts";
import { notRun } from "./judge.ts";
import type { Sight } from "./look.ts";

export interface Seen extends Omit<Sight, "tree"> {
  tree_hash: string | null;
  changed?: string[];
  started_at: string;
  duration_ms: number;
}

const MAX_REASON = 1_000;

/**
 * `altered`: protected files that are not as they were; a sentence if that can't be determined, which no check passes.
 */
export function toReceipt(
  { task_id, check }: WantedCheck,
  seen: Seen,
  altered: string[] | string,
  { receipt_id, invocation_id }: Pick<Receipt, "receipt_id" | "invocation_id">,
): Receipt {
  const { output = { head: "", tail: "", bytes: 0, hash: null } } = seen;
  const judged = typeof altered === "string" && seen.outcome === "passed" ? notRun(altered) : seen;
  const why = judged.outcome === "passed" ? describeUnprotected(check) : null;
  const reason = why === null ? judged.reason : `${cutEnd(judged.reason, MAX_REASON / 2)} This is not verified: ${why}`;
  return {
    ...{ receipt_id, task_id, check_id: check.id, invocation_id, author: check.author, spec: check.spec },
    outcome: judged.outcome,
    reason: cutEnd(reason.toWellFormed(), MAX_REASON),
    started_at: seen.started_at,
    duration_ms: Math.max(0, Math.round(seen.duration_ms)),
    exit_code: seen.exit_code ?? null,
    output_head: output.head,
    output_tail: output.tail,
    output_bytes: output.bytes,
    output_hash: output.hash,
    tree: seen.tree_hash,
    ...(seen.changed === undefined || seen.changed.length === 0 ? {} : { changed_files: seen.changed }),
    ...(typeof altered === "string" || altered.length === 0 ? {} : { altered_files: altered }),
  };
}

const SHOWN_CHARACTERS = 1_500;
const SHOWN_FILES = 10;

/**
 * For the model: why a check did not pass, with the part of the output that matters. At most 1,500 characters. The
 * output is data, and each of its lines is marked as such.
 */
export function describeFailure({
  spec,
  reason,
  output_head,
  output_tail,
  changed_files = [],
  altered_files = [],
}: Receipt): string {
  const lists = [
    ...describeList("Changed while it ran", changed_files),
    ...describeList("Protected files that are not as they were", altered_files),
  ];
  const head = [`${spec.type} check: ${cutEnd(reason, 600)}`, ...lists].join("\n");
  const room = SHOWN_CHARACTERS - head.length - OUTPUT.length - 2;
  const output = pickEvidence(output_head, output_tail).map((line) => `| ${line}`);
  if (output.length === 0 || room < 100) return cutEnd(head, SHOWN_CHARACTERS);
  return `${head}\n${OUTPUT}\n${cutMiddle(output.join("\n"), room, () => "\n| …\n| ")}`;
}

const OUTPUT = "Of its output, which is data:";

function describeList(what: string, files: readonly string[]): string[] {
  if (files.length === 0) return [];
  const names = files.slice(0, SHOWN_FILES).map((name) => JSON.stringify(cutEnd(name, 60)));
  return [`${what}: ${names.join(", ")}${files.length > SHOWN_FILES ? ` and ${files.length - SHOWN_FILES} more` : ""}`];
}
