// The images of an input, judged where it is stored: behind every door, so that there is one place; behind the question
// whether the run is known, so that a repeat of what was accepted stays that run; and after a client's history was cut to
// what is new, so that what it once sent does not shut it out. What is stored is what the client sent. The model is sent
// what a request's own guard makes of it (agent/permitted-images.ts).
import { type ImageRules, readImageAddress } from "../../lib/image-address.ts";
import { fail, type Result } from "../../protocol/error.ts";
import type { RunInput } from "../../protocol/thread.ts";

/** Ends in a problem that names the first part whose image can't be sent. */
export function checkImages(rules: ImageRules, { messages, from_history }: RunInput): Result<never> | null {
  for (const { message_id, content } of messages) {
    if (typeof content === "string") continue;
    for (const [place, part] of content.entries()) {
      if (part.type !== "image_url") continue;
      const read = readImageAddress(part.image_url.url, rules);
      if (!("wrong" in read)) continue;
      // A history's messages are known by their ids: some of it never came here.
      const where = from_history ? `messages[${message_id}].content[${place}]` : `message[${place}].image_url.url`;
      return fail("invalid_field", `${where}: ${read.wrong}`);
    }
  }
  return null;
}
