// Schemas of what has no limit but a body's: a megabyte holds hundreds of thousands of items or names. zod describes each
// that is wrong, in each way in which it might have been right, and looks at all of them before any rule of the whole.
// Each function changes how the schema that it gets runs: call it last, since zod copies a schema with each rule.
import { z } from "zod";

/** A list that is refused for its first wrong item, the others unseen. */
export function longList<Item extends z.ZodType>(item: Item): z.ZodArray<Item> {
  const list = z.array(item);
  const { run } = list._zod;
  list._zod.run = (payload, context) => {
    if (!Array.isArray(payload.value)) return run(payload, context);
    const read: z.output<Item>[] = [];
    for (const [place, value] of payload.value.entries()) {
      const result = item._zod.run({ value, issues: [] }, context);
      // The bundle has no names of zod's inside.
      if (result instanceof Promise) throw new TypeError("an item of a long list is read at once");
      if (result.issues.length > 0) {
        for (const issue of result.issues) payload.issues.push({ ...issue, path: [place, ...(issue.path ?? [])] });
        return payload;
      }
      read.push(result.value as z.output<Item>);
    }
    payload.value = read;
    return payload;
  };
  return list;
}

/** A record of at most so many names. */
export function limitNames<Schema extends z.ZodType>(schema: Schema, most: number, complaint: string): Schema {
  const { run } = schema._zod;
  schema._zod.run = (payload, context) => {
    const { value } = payload;
    // A text has a name for each of its characters.
    const names = typeof value === "object" && value !== null ? Object.keys(value).length : 0;
    if (names <= most) return run(payload, context);
    payload.issues.push({ code: "custom", message: complaint, input: value, inst: schema });
    return payload;
  };
  return schema;
}

/** A union whose value says which of its forms it means, so that no other one is tried. */
export function unionBy<const Forms extends readonly [z.ZodType, ...z.ZodType[]]>(
  forms: Forms,
  choose: (value: unknown) => number,
): z.ZodUnion<Forms> {
  const union = z.union(forms);
  union._zod.run = (payload, context) => (forms[choose(payload.value)] ?? forms[0])._zod.run(payload, context);
  return union;
}
