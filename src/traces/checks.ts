// The checks of tasks as spans, made from their receipts: what was seen says when it began and how long it took. A check
// that several tasks have ran once, so it is one span. What it asks for and why it failed are content.
import type { CheckRunner } from "../agent/checks/runner.ts";
import { canonicalSpec } from "../agent/checks/spec.ts";
import { replaceMethods } from "../lib/replace-methods.ts";
import type { Receipt } from "../protocol/plan/check.ts";
import type { Content } from "./content.ts";
import type { Attributes, Span } from "./span.ts";

export type SeenSpan = Pick<Span, "name" | "start" | "end" | "attributes" | "error">;

/** `note` gets the spans of a look that came to its end. It must not throw. */
export function traceChecks(
  checks: CheckRunner,
  content: Content | null,
  note: (describe: () => SeenSpan[]) => void,
): CheckRunner {
  return replaceMethods<CheckRunner>(checks, {
    async run(wanted, options) {
      const receipts = await checks.run(wanted, options);
      note(() => listLooks(receipts).map((receipt) => describeLook(receipt, content)));
      return receipts;
    },
  });
}

/** Of receipts of one look the worst says what came of it. */
function listLooks(receipts: readonly Receipt[]): Receipt[] {
  const looks = new Map<string, Receipt>();
  for (const receipt of receipts) {
    const key = canonicalSpec(receipt.spec);
    const known = looks.get(key);
    if (known === undefined || known.outcome === "passed") looks.set(key, receipt);
  }
  return [...looks.values()];
}

const errors: Record<Receipt["outcome"], string | null> = {
  passed: null,
  failed: "check_failed",
  not_run: "check_not_run",
};

function describeLook(receipt: Receipt, content: Content | null): SeenSpan {
  const { spec, outcome, started_at, duration_ms } = receipt;
  const start = Date.parse(started_at);
  const attributes: Attributes = {
    "taskloom.check.type": spec.type,
    "taskloom.check.id": receipt.check_id,
    "taskloom.check.author": receipt.author,
    "taskloom.check.outcome": outcome,
    "taskloom.check.exit_code": receipt.exit_code ?? undefined,
    "taskloom.check.output_bytes": receipt.output_bytes,
    "taskloom.receipt.id": receipt.receipt_id,
    "taskloom.task.id": receipt.task_id,
    "taskloom.check.spec": content?.text(JSON.stringify(spec)),
    "taskloom.check.reason": content?.text(receipt.reason),
    "error.type": errors[outcome] ?? undefined,
  };
  return { name: `check ${spec.type}`, start, end: start + duration_ms, attributes, error: errors[outcome] };
}
