// Room for long answers: each is read, parsed and written again, so an isolate makes a few of them at a time.
import { BODIES_BYTES, type Leave, Room } from "../../lib/memory/room.ts";
import { FREE_BYTES, PAGE_BYTES } from "../../store/page.ts";
import type { AppContext } from "../context.ts";
import { overloaded } from "../errors.ts";

const answers = new Room("answers", BODIES_BYTES);

/** `work` calls `admit` before it reads what is long, once. Throws `overloaded` if there is no room in time. */
export async function withRoom(
  context: AppContext,
  work: (admit: (bytes: number) => Promise<void>) => Promise<Response>,
): Promise<Response> {
  let leave: Leave | null = null;
  const admit = async (bytes: number) => {
    leave?.();
    leave = await answers.enter(bytes, { owner: context.get("caller").user_id });
    if (leave === null) throw overloaded("answers");
  };
  try {
    return await work(admit);
  } finally {
    (leave as Leave | null)?.();
  }
}

/**
 * What is long waits for room in this isolate before it is read: `read` is asked for little first, and once more if its
 * answer `is_cut`.
 */
export async function readWithRoom<Answer extends { is_cut?: boolean }>(
  context: AppContext,
  read: (most: number) => Promise<Answer>,
  answer: (whole: Answer) => Response,
): Promise<Response> {
  return await withRoom(context, async (admit) => {
    const short = await read(FREE_BYTES);
    if (short.is_cut !== true) return answer(short);
    await admit(PAGE_BYTES);
    return answer(await read(PAGE_BYTES));
  });
}
