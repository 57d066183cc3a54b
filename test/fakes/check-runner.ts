// A runner of checks whose outcomes a test says, by the text of the check. It keeps the contract: a receipt for each
// wanted check, in order, and equal specs run once.
import type { CheckRunner, WantedCheck } from "../../src/agent/checks/runner.ts";
import type { Check, CheckInput, ProtectedFile, Receipt } from "../../src/protocol/plan/check.ts";
import type { Plan, Task } from "../../src/protocol/plan/task.ts";

export class ScriptedChecks implements CheckRunner {
  /** Texts of the checks that ran, each time. */
  readonly ran: string[] = [];
  /** The texts of checks that fail, and why. */
  failures: Record<string, string> = {};
  tree = "tree_1";
  /** What files hash to; null where they can't be read. */
  hash: ((path: string) => string) | null = (path) => `hash of ${path}`;
  /** Awaited before the receipts are returned. */
  during: () => unknown = () => {};
  #count = 0;

  async run(wanted: readonly WantedCheck[]): Promise<Receipt[]> {
    const { tree } = this;
    const texts = new Set(wanted.map(({ check }) => textOf(check.spec)));
    this.ran.push(...texts);
    await this.during();
    return wanted.map((each) => this.#receiptOf(each, tree));
  }

  async hashFiles(paths: string[]): Promise<Map<string, string | null>> {
    const { hash } = this;
    return hash === null ? new Map() : new Map(paths.map((path) => [path, hash(path)]));
  }

  async hashProtected(patterns: string[]): Promise<Map<string, ProtectedFile>> {
    const hashes = await this.hashFiles(patterns);
    return new Map([...hashes].map(([path, hash]) => [path, { path, hash }]));
  }

  async readTree(): Promise<string | null> {
    return this.tree;
  }

  #receiptOf({ task_id, check }: WantedCheck, tree: string): Receipt {
    const failure = this.failures[textOf(check.spec)];
    return {
      receipt_id: `rcpt_${++this.#count}`,
      task_id,
      check_id: check.id,
      invocation_id: "inv_a",
      author: check.author,
      spec: check.spec,
      outcome: failure === undefined ? "passed" : "failed",
      reason: failure ?? "As it should be.",
      started_at: "2026-11-29T00:00:00.000Z",
      duration_ms: 5,
      exit_code: failure === undefined ? 0 : 1,
      output_head: failure ?? "",
      output_tail: "",
      output_bytes: failure?.length ?? 0,
      output_hash: null,
      tree,
    };
  }
}

function textOf(spec: CheckInput): string {
  if (spec.type === "command") return spec.run;
  return spec.type === "file" ? spec.path : spec.type;
}

export function commandCheck(run: string, given: Partial<Check> = {}): Check {
  return { id: `chk_${run}`, author: "model", spec: { type: "command", run }, ...given };
}

/** A plan of one section whose tasks have these checks; the first is in progress. */
export function checkedPlan(...checks: Check[][]): Plan {
  const tasks = checks.map(
    (own, at): Task => ({
      id: `task_${at + 1}`,
      content: `Task ${at + 1}`,
      status: at === 0 ? "in_progress" : "pending",
      section_id: "sec_1",
      ...(own.length === 0 ? {} : { checks: own, verification: "not_run" }),
    }),
  );
  return { version: 1, sections: [{ id: "sec_1", title: "Section" }], tasks };
}
