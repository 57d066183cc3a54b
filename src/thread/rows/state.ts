// The thread's state as streams carry it: the plan and the sandbox. Every change is stored with its fact and sent as
// one STATE_DELTA.

import { diffPlanState } from "../../agent/plan/changes.ts";
import { planState } from "../../agent/plan/view.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { PatchOperation, StateValue } from "../../protocol/event.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { isList, isNumber, isText, shapeOf } from "../../store/shapes/stored.ts";
import { readMeta, type Sql, writeMeta } from "./database.ts";

type SandboxState = StateValue["sandbox"];

export class ThreadState {
  readonly #sql: Sql;
  #plan: Plan;
  #sandbox: SandboxState;
  #known: string | null;

  /** `plan` is the stored one. */
  constructor(sql: Sql, plan: Plan) {
    this.#sql = sql;
    this.#plan = plan;
    this.#sandbox = readMeta(sql, "sandbox", shapeOf(isSandboxState)) ?? { state: "none", previews: [] };
    this.#known = readMeta(sql, "known_sandbox", shapeOf(isText));
  }

  get plan(): Plan {
    return this.#plan;
  }

  get value(): StateValue {
    return { plan: planState(this.#plan), sandbox: this.#sandbox };
  }

  /** Sets the plan. The caller stores it in the same transaction. */
  setPlan(plan: Plan): PatchOperation[] {
    const before = planState(this.#plan);
    this.#plan = plan;
    return diffPlanState(before, planState(plan));
  }

  /** Inside a transaction. */
  setSandboxState(state: string): PatchOperation[] {
    if (this.#sandbox.state === state) return [];
    this.#store({ ...this.#sandbox, state });
    return [{ op: "replace", path: "/sandbox/state", value: state }];
  }

  /** Inside a transaction. A port has one preview: the newest. */
  addPreview(preview: { port: number; url: string }): PatchOperation[] {
    const place = this.#sandbox.previews.findIndex(({ port }) => port === preview.port);
    const previews = [...this.#sandbox.previews];
    if (place < 0) previews.push(preview);
    else previews[place] = preview;
    this.#store({ ...this.#sandbox, previews });
    if (place < 0) return [{ op: "add", path: "/sandbox/previews/-", value: preview }];
    return [{ op: "replace", path: `/sandbox/previews/${place}`, value: preview }];
  }

  /** Inside a transaction. Updates the previews to the current links, and removes those of ports without a link. */
  setPreviews(links: { port: number; url: string }[]): PatchOperation[] {
    const { previews } = this.#sandbox;
    const urls = new Map(links.map(({ port, url }) => [port, url]));
    const now = previews.flatMap(({ port }) => {
      const url = urls.get(port);
      return url === undefined ? [] : [{ port, url }];
    });
    if (now.length === previews.length && now.every(({ url }, place) => url === previews[place]?.url)) return [];
    this.#store({ ...this.#sandbox, previews: now });
    return [{ op: "replace", path: "/sandbox/previews", value: now }];
  }

  /** The sandbox whose files the model knows. Null if it knows none. */
  get knownSandbox(): string | null {
    return this.#known;
  }

  /** Inside a transaction. */
  rememberSandbox(id: string): void {
    this.#known = id;
    writeMeta(this.#sql, "known_sandbox", id);
  }

  #store(sandbox: SandboxState): void {
    this.#sandbox = sandbox;
    writeMeta(this.#sql, "sandbox", sandbox);
  }
}

function isSandboxState(value: unknown): value is SandboxState {
  return isRecord(value) && isText(value.state) && isList(value.previews, isPreview);
}

function isPreview(value: unknown): value is SandboxState["previews"][number] {
  return isRecord(value) && isNumber(value.port) && isText(value.url);
}
