// The ids of calls in the form that a server accepts. A request's ids are mapped in its order, so the same history gives
// the same bytes each time. What the server's reply brings needs no way back: a result is found by our own id.
import type { IdForm } from "../profiles/profile.ts";

export interface CallIds {
  /** The id of the next call of the request. */
  ofCall(id: string, name: string): string;
  /** The id in a result: that of the last call with our id. */
  ofResult(id: string): string;
  /** The name of the tool that it is of. */
  nameOfResult(id: string): string | undefined;
}

const forms: Record<Exclude<IdForm, "kimi" | "any">, RegExp> = {
  nine: /^[A-Za-z0-9]{9}$/,
  plain: /^[A-Za-z0-9_-]{1,64}$/,
  forty: /^[\s\S]{1,40}$/,
};

export function createCallIds(form: IdForm): CallIds {
  const mapped = new Map<string, string>();
  const names = new Map<string, string>();
  const taken = new Set<string>();
  let calls = 0;

  /** Nine characters, so that it fits every form. */
  function makeId(): string {
    return `c${calls.toString(36).padStart(8, "0")}`;
  }

  function choose(id: string, name: string): string {
    const number = calls++;
    // Kimi counts all calls of a conversation.
    if (form === "kimi") return `functions.${name}:${number}`;
    if (form === "any" || (forms[form].test(id) && !taken.has(id))) return id;
    let made = makeId();
    while (taken.has(made)) {
      calls++;
      made = makeId();
    }
    return made;
  }

  return {
    ofCall(id, name) {
      const wire = choose(id, name);
      taken.add(wire);
      mapped.set(id, wire);
      names.set(id, name);
      return wire;
    },
    ofResult: (id) => mapped.get(id) ?? id,
    nameOfResult: (id) => names.get(id),
  };
}

/** A tool's name as it is stored (`agent/reply`): replies and messages are compared by it. */
export function plainName(name: string): string {
  const bare = name.replace(/^functions[.:]/, "").replace(/[^A-Za-z0-9_-]/g, "_");
  return bare.slice(0, 64) || "unnamed";
}
