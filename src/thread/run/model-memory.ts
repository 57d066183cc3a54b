// What a thread remembers of how servers and models want to be asked, so that a later life does not have to be refused
// again.
import type { ModelMemory } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import { isList, isText, shapeOf } from "../../store/shapes/stored.ts";
import { type Life, transact } from "../life.ts";
import type { ThreadMemory } from "../memory/thread-memory.ts";
import { readMeta, writeMeta } from "../rows/database.ts";

type Rules = NonNullable<ThreadMemory["model_rules"]>;

const KEY = "model_rules";
/** A thread's agent and its fallbacks are at most six models; a person may have changed them once or twice. */
const MAX_MODELS = 16;
/** There are about twenty rules beside those of single images. Of both, the newest are kept. */
const MAX_RULES = 32;
const MAX_IMAGES = 64;

/** A life reads the row once, when a model is first called. */
export function openModelMemory(life: Life): ModelMemory {
  const { memory } = life;
  const rules = (): Rules => {
    memory.model_rules ??= readMeta(life.database.sql, KEY, shapeOf(isRules)) ?? {};
    return memory.model_rules;
  };
  const store = (key: string, own: string[]): void => {
    const { [key]: _, ...others } = rules();
    const kept = Object.entries(others).slice(1 - MAX_MODELS);
    const known = { ...Object.fromEntries(kept), ...(own.length > 0 ? { [key]: keepNewest(own) } : {}) };
    transact(life, () => writeMeta(life.database.sql, KEY, known));
    memory.model_rules = known;
  };
  return {
    read: (key) => rules()[key] ?? [],
    add(key, rule) {
      const own = rules()[key] ?? [];
      if (own.at(-1) !== rule) store(key, [...own.filter((each) => each !== rule), rule]);
    },
    remove(key, rule) {
      const own = rules()[key] ?? [];
      if (own.includes(rule))
        store(
          key,
          own.filter((each) => each !== rule),
        );
    },
  };
}

function keepNewest(rules: string[]): string[] {
  const isImage = (rule: string) => rule.startsWith("image:");
  const images = rules.filter(isImage).slice(-MAX_IMAGES);
  return [...rules.filter((rule) => !isImage(rule)).slice(-MAX_RULES), ...images];
}

function isRules(value: unknown): value is Rules {
  return isRecord(value) && Object.values(value).every((list) => isList(list, isText));
}
