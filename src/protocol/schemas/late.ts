// Schemas are made when they are first asked for, and then kept: an isolate uses few of them, and every start would wait
// for all (docs/decisions/0095-the-start.md).

/** A value, or what makes it. The value is no function. */
export type Late<Value extends object> = Value | (() => Value);

export function late<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

export function readLate<Value extends object>(value: Late<Value>): Value {
  return typeof value === "function" ? value() : value;
}
