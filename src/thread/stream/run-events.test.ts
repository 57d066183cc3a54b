import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../../test/fakes/sqlite-database.ts";
import { addEvent, emptyView, type RunView } from "../../agent/run-view.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { createTables } from "../rows/tables.ts";
import { shapeOf } from "./events.ts";
import { Journal } from "./journal/journal.ts";
import { eventsSoFar } from "./run-events.ts";

const run: ThreadEvent = { type: "RUN_STARTED", threadId: "t", runId: "inv" };
const end: ThreadEvent = { type: "RUN_FINISHED", threadId: "t", runId: "inv", outcome: { type: "success" } };
const snapshot: ThreadEvent = { type: "MESSAGES_SNAPSHOT", messages: [] };

function begin() {
  const database = openDatabase();
  createTables(database.sql);
  const journal = new Journal(database);
  journal.addFact("before", run, end);
  return { database, journal, start_seq: journal.addFact("inv", run) };
}

type Act = { type: "say"; text: string } | { type: "store" } | { type: "void" } | { type: "fact" };

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("say" as const), text: fc.constantFrom("a ", "帮", "c") }) },
  fc.record({ type: fc.constantFrom("store" as const, "void" as const, "fact" as const) }),
);

/** The model's actions: one message after another, each with one text. */
function createWriter(journal: Journal, life: string) {
  let messages = 0;
  let open: string | null = null;
  return (act: Act): void => {
    if (act.type === "fact") journal.addFact("inv", { type: "STEP_STARTED", stepName: "s" });
    else if (act.type === "say") {
      if (open === null) {
        open = `${life}_${++messages}`;
        journal.openPart("inv", shapeOf({ kind: "text", part_id: open, message_id: open }));
      }
      journal.addDelta(open, act.text);
    } else if (open !== null) {
      const keeps = act.type === "store";
      journal.storeParts(
        open,
        () => keeps,
        () => snapshot,
      );
      open = null;
    }
  };
}

function textsOf(view: RunView): string[] {
  return view.texts.map(({ text }) => text).filter((text) => text !== "");
}

function viewSoFar(journal: Journal, start_seq: number): RunView {
  const view = emptyView();
  for (const event of eventsSoFar(journal, { start_seq, end_seq: null })) addEvent(view, event);
  return view;
}

describe("the events of a run so far, with those that a listener gets from then on", () => {
  it("are all events that are not void, wherever listening begins and however often a life ends", () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 40 }), fc.nat(40), fc.boolean(), (acts, place, isNewLife) => {
        const { database, journal: first, start_seq } = begin();
        let journal = first;
        let write = createWriter(journal, "first");
        for (const act of acts.slice(0, place)) write(act);
        if (isNewLife) {
          journal = new Journal(database);
          journal.voidFormerLife("inv");
          write = createWriter(journal, "second");
        }
        let view = viewSoFar(journal, start_seq);
        journal.listen("inv", (event) => {
          if (event.type === "MESSAGES_SNAPSHOT") view = viewSoFar(journal, start_seq);
          else addEvent(view, event);
        });
        for (const act of acts.slice(place)) write(act);
        const [before, after] = [acts.slice(0, place), acts.slice(place)];
        expect(textsOf(view)).toEqual(isNewLife ? written(before, after) : written(acts));
      }),
    );
  });

  it("have none of another run, and none from before the run began", () => {
    const { journal, start_seq } = begin();
    const heard: string[] = [];
    const stop = journal.listen("inv", ({ type }) => heard.push(type));
    journal.addFact("other", end);
    expect([...eventsSoFar(journal, { start_seq: null, end_seq: null })]).toEqual([]);
    const end_seq = journal.addFact("inv", end);
    journal.addFact("after", run, end);
    expect([...eventsSoFar(journal, { start_seq, end_seq })].map(({ type }) => type)).toEqual([
      "RUN_STARTED",
      "RUN_FINISHED",
      "RUN_FINISHED",
    ]);
    stop();
    journal.addFact("inv", end);
    expect(heard).toEqual(["RUN_FINISHED"]);
  });
});

/** The events that are expected. When a life ends, an open text is void. */
function written(...lives: Act[][]): string[] {
  const kept: string[] = [];
  let text = "";
  for (const acts of lives) {
    text = "";
    for (const act of acts) {
      if (act.type === "say") text += act.text;
      if (act.type === "store") kept.push(text);
      if (act.type === "store" || act.type === "void") text = "";
    }
  }
  return [...kept, text].filter((kind) => kind !== "");
}
