// A person who edits the plan of a contract's thread at any moment, and records what was promised: what an acknowledged
// edit did must hold in the end, whatever the model and the ends of lives did meanwhile.
import type { PlanOperation } from "../../src/protocol/plan/edit.ts";
import type { Plan, Task } from "../../src/protocol/plan/task.ts";
import { readPlan } from "../../src/thread/rows/messages.ts";
import type { ContractModel } from "./contract-model.ts";
import type { ObjectWorld } from "./object-world.ts";

export type PersonEdit = "add" | "cancel" | "complete" | "start" | "first" | "reword";

interface Surroundings {
  key: { user_id: string; thread_id: string };
  model: ContractModel;
  object: ObjectWorld;
}

export class ContractPerson {
  readonly #world: Surroundings;
  /** What each task must be in the end, by its id: ended ones stay as they are, none gets lost. */
  readonly #promised = new Map<string, Partial<Task>>();
  #count = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  edit(edit: PersonEdit, place: number): void {
    const { key, model, object } = this.#world;
    const operations = this.#operations(edit, place);
    if (operations === null) return;
    const request = { request_id: `edit_${++this.#count}`, version: null, operations };
    const lostBefore = [...this.#lost];
    void object
      .call((thread) => thread.editPlan(key, request))
      .then((answer) => {
        if (answer.kind === "threw") model.blame(`editPlan threw: ${answer.error}`);
        if (answer.kind === "lost") this.#lost.push(...operations);
        if (answer.kind === "answered" && answer.value.ok) this.#expect(answer.value.value, operations, lostBefore);
      });
  }

  /** The broken promises. */
  problemsOf(plan: Plan): string[] {
    return [...this.#promised].flatMap(([id, promised]) => {
      const task = plan.tasks.find((one) => one.id === id);
      if (task === undefined) return [`the task ${id} is lost`];
      const isSame = Object.entries(promised).every(([field, value]) => task[field as keyof Task] === value);
      const isLost = this.#textsLost(id).includes(task.content);
      return isSame || (isLost && (promised.status ?? task.status) === task.status)
        ? []
        : [`${id} is ${JSON.stringify(task)}, not ${JSON.stringify(promised)}`];
    });
  }

  #operations(edit: PersonEdit, place: number): PlanOperation[] | null {
    if (edit === "add") return [{ op: "create", section_title: "P", task_contents: [`person's ${this.#count}`] }];
    const { tasks } = this.#plan();
    const task = tasks[place % Math.max(1, tasks.length)];
    if (task === undefined) return null;
    const task_ids = [task.id];
    switch (edit) {
      case "first":
        return [{ op: "update", task_ids, position: 0 }];
      case "reword":
        return [{ op: "update", task_ids, content: `reworded ${this.#count}` }];
      case "start":
        return [{ op: "update", task_ids, status: "in_progress" }];
      default:
        return [{ op: "update", task_ids, status: edit === "cancel" ? "cancelled" : "completed" }];
    }
  }

  #plan(): Plan {
    const { object } = this.#world;
    const isThere = object.read("meta", "SELECT 1 AS one FROM meta").length > 0;
    const hasRows = isThere && object.read("messages", "SELECT 1 AS one FROM messages").length > 0;
    return hasRows ? readPlan(object.database.sql) : { version: 0, sections: [], tasks: [] };
  }

  /** New texts of a task that may or may not have been stored. */
  #textsLost(id: string): string[] {
    return this.#lost.flatMap((edit) =>
      edit.op === "update" && edit.task_ids.includes(id) && edit.content !== undefined ? [edit.content] : [],
    );
  }

  #expect(answered: Plan, operations: PlanOperation[], lostBefore: PlanOperation[]): void {
    const [operation] = operations;
    // A life that has ended stores nothing after a later one: what was lost before this edit was sent is undone for
    // good.
    if (operation?.op === "update" && operation.content !== undefined) {
      const { task_ids } = operation;
      this.#lost = this.#lost.filter(
        (edit) => !(lostBefore.includes(edit) && edit.op === "update" && edit.task_ids[0] === task_ids[0]),
      );
    }
    for (const task of answered.tasks) {
      const known = this.#promised.get(task.id) ?? {};
      const ended = task.status === "completed" || task.status === "cancelled";
      const promised = ended ? { ...known, status: task.status } : known;
      const isNamed = operation?.op === "update" && operation.task_ids.includes(task.id);
      // Two edits may be acknowledged in another order than they were made in: only the newest text is promised.
      if (isNamed && operation.content !== undefined) this.#noteText(task.id, answered.version, operation.content);
      const text = this.#texts.get(task.id);
      this.#promised.set(task.id, text === undefined ? promised : { ...promised, content: text.content });
    }
  }

  /** Edits whose life ended before it answered. */
  #lost: PlanOperation[] = [];

  readonly #texts = new Map<string, { version: number; content: string }>();

  #noteText(id: string, version: number, content: string): void {
    if ((this.#texts.get(id)?.version ?? 0) < version) this.#texts.set(id, { version, content });
  }
}
