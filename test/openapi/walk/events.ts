// Whether the events of a stream are as the description's `Event` says, which Prism can't see. As JSON Schema, with the
// validator that Prism brings.
import { createRequire } from "node:module";
import { join } from "node:path";
import { FrameReader } from "../../../src/web/client/sse.ts";
import { folder } from "../steps.ts";
import type { Answer } from "./walker.ts";

interface Validator {
  (value: unknown): boolean;
  errors?: unknown;
}

interface Ajv {
  compile(schema: object): Validator;
}

export function createEventCheck(
  { components }: { components: { schemas: { Event: object } } },
  wrong: string[],
): (stream: Answer) => void {
  const { default: Ajv2020 } = createRequire(join(folder, "package.json"))("ajv/dist/2020.js") as {
    default: new (options: object) => Ajv;
  };
  const { example: _, ...schema } = components.schemas.Event as { example?: unknown };
  const fits = new Ajv2020({ strict: false }).compile(schema);
  return ({ text }) => {
    const { frames } = new FrameReader().read(new TextEncoder().encode(text));
    if (frames.length < 2) wrong.push(`a stream has ${frames.length} events`);
    for (const { data } of frames) {
      if (!fits(JSON.parse(data))) wrong.push(`an event is not as described: ${data} ${JSON.stringify(fits.errors)}`);
    }
  };
}
