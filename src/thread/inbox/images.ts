// Checks the image addresses of an input. The check runs where inputs are stored, so one place covers every route. It
// runs after the search for a known run, so a repeat of an accepted input stays that run; and after a client's history
// was cut to what is new, so images that the thread has already are not refused. The client's address is stored as it
// came; agent/permitted-images.ts filters what the model gets.
import { type ImageRules, readImageAddress } from "../../lib/image-address.ts";
import { fail, type Result } from "../../protocol/error.ts";
import type { RunInput } from "../../protocol/thread.ts";

/** Fails with the name of the first part whose image is not permitted. */
export function checkImages(rules: ImageRules, { messages, from_history }: RunInput): Result<never> | null {
  for (const { message_id, content } of messages) {
    if (typeof content === "string") continue;
    for (const [place, part] of content.entries()) {
      if (part.type !== "image_url") continue;
      const read = readImageAddress(part.image_url.url, rules);
      if (!("wrong" in read)) continue;
      // A history was cut, so its messages are named by id and not by index.
      const where = from_history ? `messages[${message_id}].content[${place}]` : `message[${place}].image_url.url`;
      return fail("invalid_field", `${where}: ${read.wrong}`);
    }
  }
  return null;
}
