// What a client may say of its run beside the protocol: in the forwarded properties, or in the address, where a page or a
// runtime can't set those. Properties may be meant for another agent, so those that can't be read are no mistake. What
// the address says is meant for this server.
import { z } from "@hono/zod-openapi";
import { isRecord } from "../../lib/is-record.ts";
import { readTimeZone } from "../../lib/time-zone.ts";
import { capsOf, givenCaps } from "../../protocol/money/caps.ts";
import { disconnectPolicies } from "../../protocol/run.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { Problem } from "../errors.ts";
import { toFailure } from "../input/failure.ts";

export const forwardedProps = z.unknown().optional().openapi({
  description:
    "`time_zone`: an IANA name; the model reads the date there. `max_cost_usd`, `max_total_tokens`, `max_minutes`: caps of the run. `on_disconnect` and `whole_history`: as in the query. Other properties are ignored.",
});

export const query = z.object({
  on_disconnect: z.enum(disconnectPolicies).optional().openapi({
    description:
      "`cancel` cancels the run once its last reader has been gone for some seconds. Another way to give `forwardedProps.on_disconnect`, which wins.",
  }),
  whole_history: z.enum(["0", "1", "false", "true"]).optional().openapi({
    description:
      "`1`: `messages` is always the whole conversation, so what is missing was taken back. Another way to give `forwardedProps.whole_history`, which wins.",
  }),
});
export type Query = z.output<typeof query>;

export function readOptions(props: unknown, given: Query): Partial<RunInput> {
  const said = isRecord(props) ? props : {};
  return {
    ...readZone(said),
    ...readDisconnect(said, given),
    ...readCaps(said),
    ...(saysWhole(said, given) && { is_whole_history: true }),
  };
}

type Props = Record<string, unknown>;

function readZone({ time_zone: name }: Props): Pick<RunInput, "time_zone"> {
  const time_zone = typeof name === "string" ? readTimeZone(name) : null;
  return time_zone === null ? {} : { time_zone };
}

/** LangGraph's clients send the same words. */
function readDisconnect(said: Props, given: Query): Pick<RunInput, "on_disconnect"> {
  const on_disconnect = disconnectPolicies.find((policy) => policy === said.on_disconnect) ?? given.on_disconnect;
  return on_disconnect === undefined ? {} : { on_disconnect };
}

/** A cap that can't be read is refused: without it, the run would cost more than its client allows. */
function readCaps(said: Props): Pick<RunInput, "caps"> {
  const read = z.object(givenCaps).safeParse(said);
  if (read.success) return capsOf("run", read.data);
  throw new Problem("invalid_field", `forwardedProps.${toFailure(read.error).detail}`);
}

/** A client that always sends the whole conversation may say so. Then what is missing was taken back. */
function saysWhole({ whole_history: said }: Props, given: Query): boolean {
  if (typeof said === "boolean") return said;
  return given.whole_history === "1" || given.whole_history === "true";
}
