// The shop's test, and the point of checks: the script says that it is done, the server runs the test, sees that it is
// not, and says which line failed. Then the script fixes the shop. The fault is one that people make: the store knows
// the price of shipping and forgets from which sum on it is free.
import { call } from "../reply.ts";
import { excerpt, type Result } from "../result.ts";
import { done, givenUp, type Outcome, type Step, type TaskContext, type TaskScript, trying } from "../script.ts";
import { counts, readRuntime } from "./shop-delivery.ts";

/** Which of the two the script writes depends on what the sandbox can run, which it does not know when it plans. */
export const CHECK = "cd shop && if [ -e check.js ]; then node check.js; else python3 check.py; fi";

const RIGHT = "subtotal === 0 || subtotal >= catalogue.free_shipping_from ? 0";
const WRONG = "subtotal === 0 ? 0";

export function forgetShipping(store: string): string {
  return store.replace(RIGHT, WRONG);
}

export function* functionalTest(context: TaskContext): ReturnType<TaskScript> {
  const runtime = readRuntime(context);
  const name = runtime === "node" ? "check.js" : "check.py";
  const content = context.content.read(`shop/${name}`, context.language);
  const [written] = yield* trying({
    text: { zh: "写一个像顾客一样走完流程的检查脚本。", en: "A check that uses the shop like a customer." },
    uses: [call("create_file", { path: `shop/${name}`, content })],
  });
  if (!written?.ok) return givenUp("检查脚本没有写成。", "The check could not be written.");
  if (runtime === "none")
    return givenUp(
      "这里没有 Node 或 Python，检查没有运行。",
      "The check was not run: neither Node nor Python is here.",
    );
  const [said] = context.refusals;
  if (runtime === "node" && said === undefined) return claim();
  if (said !== undefined) yield* mend(said);
  const command = `cd shop && ${runtime === "node" ? "node" : "python3"} ${name}`;
  const [checked] = yield* trying({
    text: said === undefined ? first : again,
    uses: [call("execute_command", { command, timeout_seconds: 60 })],
  });
  const [line, passed, failed] = counts.exec(checked?.text ?? "") ?? [];
  const isRight = checked?.ok && passed !== undefined && failed === "0" && context.refusals.length < 2;
  if (isRight) return done(`检查全部通过：${line}。`, `Everything holds: ${line}.`);
  const why = line ?? excerpt(checked?.text ?? "");
  return givenUp(
    `检查没有通过：${why}。我如实记录，继续往下做。`,
    `The check did not pass: ${why}. I note it as it is and go on.`,
  );
}

const first = { zh: "运行检查。", en: "Running the check." };
const again = { zh: "这次先自己运行一遍。", en: "This time I run it myself first." };

function* mend(said: string): Generator<Step, void, Result[]> {
  const failing = /^\s*\|?\s*(FAIL [^\n]*)/m.exec(said)?.[1] ?? excerpt(said);
  yield* trying({
    text: {
      zh: `我说做完了，但服务器运行检查后发现没有：「${failing}」。满额包邮漏写了，现在改。`,
      en: `I said that it is done; the server ran the check and saw that it is not: "${failing}". Free shipping is missing, so I fix that.`,
    },
    uses: [call("edit_file", { path: "shop/lib/store.js", old_text: WRONG, new_text: RIGHT })],
  });
}

function claim(): Outcome {
  const said = done(
    "检查脚本写好了，商店应该都对。（我没有运行它：接下来由服务器运行。）",
    "The check is written, and the shop should be right. (I have not run it: the server does that now.)",
  );
  return { ...said, is_alone: true };
}
