// After the operator has put a new key before the old one in ENCRYPTION_KEY, the clock seals every secret with the new
// one, and says when the old one may go. Each step is one guarded statement, so it loses to whoever changes a secret at
// the same moment, and a kill leaves nothing half done. What is left is found by the key's id in the row.

import { logWarning } from "../lib/log.ts";
import { createSeal, type Seal } from "../lib/seal.ts";
import {
  type ChangedSeal,
  countSecretsByKey,
  listSecretsSealedBy,
  listSecretsSealedByOthers,
  replaceSeals,
} from "../store/secret-seals.ts";
import type { Secret, SecretName } from "../store/secrets.ts";
import { bindingOf, type SecretPorts } from "./sealed.ts";

/** A statement with as many changes has some hundred KB at most. */
const PAGE = 100;
const PAGES_PER_TICK = 5;
/** Rows of former keys that a report looks into: they may be damaged, and then wait for nothing. */
const MAX_EXAMINED = 1_000;
/** With a former key in the settings, how often a life looks again once all was done: an old isolate may have stored. */
const QUIET_MS = 60 * 60_000;
/** Enough to see what kind of secrets is concerned. */
const MAX_NAMED = 20;

export interface SealReport {
  /** In the order of ENCRYPTION_KEY, by ids that reveal nothing of a key. */
  keys: { key_id: string; is_first: boolean; secrets: number }[];
  /** Secrets of former keys that are still to be sealed with the first one. */
  waiting: number;
  /** Secrets that no key opens: their key is not in the settings, or they are damaged. */
  unreadable: number;
  first_unreadable: SecretName[];
  /** Whether all keys but the first are of no use any more. False if there is one key. */
  former_keys_may_go: boolean;
}

export interface Resealer {
  /** Call it each minute. */
  tick(ports: SecretPorts, now: number): Promise<void>;
}

/** Remembers how far it is; a new life begins with what is left. */
export function createResealer(): Resealer {
  let after: SecretName | null = null;
  let quietUntil = Number.NEGATIVE_INFINITY;
  return {
    async tick(ports, now) {
      if (new Set(ports.encryption_keys).size < 2 || now < quietUntil) return;
      const seal = createSeal(ports.encryption_keys);
      const former = (await readKeyIds(seal)).slice(1);
      let resealed = 0;
      for (let page = 0; page < PAGES_PER_TICK; page++) {
        const rows = await listSecretsSealedBy(ports.database, former, after, PAGE);
        const changes = await changeSeals(seal, rows);
        if (changes.length > 0) resealed += await replaceSeals(ports.database, changes);
        after = rows.length === PAGE ? (rows.at(-1) ?? null) : null;
        if (after === null) break;
      }
      if (resealed > 0) logWarning("secrets_resealed", { secrets: resealed });
      if (after !== null) return;
      const report = await reportSeals(ports);
      if (!report.former_keys_may_go) return;
      logReport(report, former);
      quietUntil = now + QUIET_MS;
    },
  };
}

function logReport({ unreadable, first_unreadable }: SealReport, former: string[]): void {
  if (unreadable > 0) {
    const first = first_unreadable.map(({ user_id, kind, name }) => `${user_id} ${kind} ${name}`).join(", ");
    logWarning("secrets_unreadable", { secrets: unreadable, first });
  }
  logWarning("encryption_keys_may_go", { key_ids: former.join(",") });
}

/** Without repetitions, the first one first. */
async function readKeyIds(seal: Seal): Promise<string[]> {
  return [...new Set(await seal.keyIds())];
}

/** The same secrets, sealed with the first key; without those that can't be opened. */
async function changeSeals(seal: Seal, rows: Secret[]): Promise<ChangedSeal[]> {
  const changes: ChangedSeal[] = [];
  for (const row of rows) {
    const { user_id, kind, name, sealed: former } = row;
    const opened = await seal.open(row, bindingOf(row));
    if (opened.ok) changes.push({ user_id, kind, name, former, ...(await seal.seal(opened.text, bindingOf(row))) });
  }
  return changes;
}

/** What each key of the settings still opens. Reads every secret's row. */
export async function reportSeals({ database, encryption_keys }: SecretPorts): Promise<SealReport> {
  const seal = createSeal(encryption_keys);
  const ids = await readKeyIds(seal);
  const former = ids.slice(1);
  const counts = await countSecretsByKey(database);
  const keys = ids.map((key_id, place) => ({ key_id, is_first: place === 0, secrets: counts.get(key_id) ?? 0 }));
  const ofFormer = keys.slice(1).reduce((sum, { secrets }) => sum + secrets, 0);
  const stranded = [...counts].filter(([id]) => !ids.includes(id)).reduce((sum, [, secrets]) => sum + secrets, 0);
  const isExamined = ofFormer > 0 && ofFormer <= MAX_EXAMINED;
  const rest = isExamined ? await listSecretsSealedBy(database, former, null, MAX_EXAMINED) : [];
  const damaged = await findDamaged(seal, rest);
  const waiting = ofFormer - damaged.length;
  return {
    keys,
    waiting,
    unreadable: stranded + damaged.length,
    first_unreadable: [
      ...(stranded > 0 ? await listSecretsSealedByOthers(database, ids, MAX_NAMED) : []),
      ...damaged,
    ].slice(0, MAX_NAMED),
    former_keys_may_go: former.length > 0 && waiting === 0,
  };
}

async function findDamaged(seal: Seal, rows: Secret[]): Promise<SecretName[]> {
  const damaged: SecretName[] = [];
  for (const row of rows) {
    const { user_id, kind, name } = row;
    if (!(await seal.open(row, bindingOf(row))).ok) damaged.push({ user_id, kind, name });
  }
  return damaged;
}
