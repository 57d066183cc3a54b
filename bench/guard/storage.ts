// Counts what an object's storage is asked: statements, rows, transactions and alarms.

export interface StorageCounts {
  statements: number;
  rows_written: number;
  rows_read: number;
  /** With writes outside of a transaction, each of which is one. */
  transactions: number;
  alarms: number;
  /** Methods of the storage and the queue that were called and that nothing here counts. */
  uncounted: string[];
}

/** `setAlarm` gets each alarm that is counted. `others` are methods that may be called and cost nothing. */
export function countStorage(
  storage: DurableObjectStorage,
  counts: StorageCounts,
  setAlarm: DurableObjectStorage["setAlarm"],
  others: Partial<DurableObjectStorage> = {},
): DurableObjectStorage {
  let depth = 0;
  // A statement's rows are counted when it has been read to its end, so they are handed on from memory.
  const countStatement = <T extends Record<string, SqlStorageValue>>(cursor: SqlStorageCursor<T>) => {
    const rows = cursor.toArray();
    counts.statements += 1;
    counts.rows_written += cursor.rowsWritten;
    counts.rows_read += cursor.rowsRead;
    if (depth === 0 && cursor.rowsWritten > 0) counts.transactions += 1;
    return wrap(cursor, { toArray: () => rows }, counts);
  };
  const exec: SqlStorage["exec"] = (query, ...values) => countStatement(storage.sql.exec(query, ...values));
  const counted: Partial<DurableObjectStorage> = {
    ...others,
    sql: wrap(storage.sql, { exec }, counts),
    transactionSync(change) {
      counts.transactions += 1;
      depth += 1;
      try {
        return storage.transactionSync(change);
      } finally {
        depth -= 1;
      }
    },
    setAlarm(time, options) {
      counts.alarms += 1;
      return setAlarm(time, options);
    },
  };
  return wrap(storage, counted, counts);
}

/** What is not counted must not pass for free: another method of the object, called, is noted and an error. */
export function wrap<T extends object>(
  whole: T,
  counted: Partial<T>,
  { uncounted }: Pick<StorageCounts, "uncounted">,
): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name in counted) return Reflect.get(counted, name);
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return () => {
        uncounted.push(String(name));
        throw new Error(`bench/guard/storage.ts doesn't count ${String(name)}`);
      };
    },
  });
}
