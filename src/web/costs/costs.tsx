// What the newest run has used, below the conversation, and why a run ended that may not spend more. Both are loaded
// after the page.
import type { Why } from "../client/conversation.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { useWords } from "../state/words.ts";
import styles from "./costs.module.css";
import { type CostFormats, useCostFormats } from "./formats.ts";
import { describeReason } from "./reason.ts";
import { type Spent, useSpent } from "./use-spent.ts";
import { words } from "./words.ts";

export function RunCost({ thread }: { thread: ThreadStore }) {
  const said = useWords(words);
  const formats = useCostFormats();
  const spent = useSpent(thread);
  const parts = spent === null ? [] : listParts(spent, said, formats);
  if (spent === null || parts.length === 0) return null;
  const { estimated } = spent.usage;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a line of figures is no form
    <p className={styles.cost} role="group" aria-label={said.cost} data-cost="">
      {parts.map((part) => (
        <span key={part}>{part}</span>
      ))}
      {estimated !== undefined && (
        <span className={styles.estimated} title={said.whyEstimated}>
          {said.estimated(
            estimated.cost_usd === null
              ? said.tokens(formats.count(estimated.input_tokens + estimated.output_tokens))
              : formats.money(estimated.cost_usd),
          )}
          <span className="unseen">{said.whyEstimated}</span>
        </span>
      )}
    </p>
  );
}

/** Nothing for a run that has called no model yet. */
export function listParts({ usage, reserved }: Spent, said: (typeof words)["en"], { count, money }: CostFormats) {
  const { input_tokens, cached_input_tokens, output_tokens, cost_usd } = usage;
  const isUsed = input_tokens + output_tokens > 0;
  const cached = cached_input_tokens > 0 ? [said.cached(count(cached_input_tokens))] : [];
  const used = [said.input(count(input_tokens)), ...cached, said.output(count(output_tokens))];
  return [
    ...(isUsed ? used : []),
    ...(isUsed && cost_usd !== null ? [money(cost_usd)] : []),
    ...(reserved == null
      ? []
      : [
          said.reserved(
            reserved.cost_usd === null
              ? said.tokens(count(reserved.input_tokens + reserved.output_tokens))
              : money(reserved.cost_usd),
          ),
        ]),
  ];
}

/** `otherwise`: what the server said. */
export function Reason({ why, otherwise }: { why: Why; otherwise: string }) {
  const said = useWords(words);
  const formats = useCostFormats();
  return <>{describeReason(why, said, formats) ?? otherwise}</>;
}
