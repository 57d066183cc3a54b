// A cap of the run is reached: a person raises it, or ends the run. The field begins with what the server proposes.
import { Check, X } from "lucide-react";
import { useState } from "react";
import type { CapName } from "../../protocol/money/caps.ts";
import { type Budget, decline, raiseCaps } from "../client/interrupts.ts";
import { formatCap, useCostFormats } from "../costs/formats.ts";
import { words as costWords } from "../costs/words.ts";
import { Button } from "../parts/button.tsx";
import { TextField } from "../parts/field.tsx";
import { useWords } from "../state/words.ts";
import { Deadline } from "./expiry.tsx";
import styles from "./form.module.css";
import { useForm, useReading } from "./part.ts";
import { words } from "./words.ts";

/** Tokens are whole. */
const steps: Record<CapName, string> = { max_cost_usd: "any", max_total_tokens: "1", max_minutes: "any" };

/** The server writes in English and calls it a cap; the page has its own words for a limit that it can read. */
function useReached({ caps, message }: Budget): string {
  const said = useWords(words);
  const units = useWords(costWords);
  const formats = useCostFormats();
  const limits = caps.flatMap(({ name, limit }) => (limit === null ? [] : [formatCap(formats, units, name, limit)]));
  return limits.length === 0 ? message : said.reached(limits.join(said.comma));
}

export function BudgetPart({ asked }: { asked: Budget }) {
  const said = useWords(words);
  const { lone, give } = useForm();
  const [raised, setRaised] = useState<Partial<Record<CapName, string>>>(() =>
    Object.fromEntries(asked.caps.map(({ name, proposed }) => [name, proposed === null ? "" : String(proposed)])),
  );
  const [ends, setEnds] = useState(false);
  const reached = useReached(asked);
  useReading(asked.id, () => (ends ? decline(asked.id, "") : raiseCaps(asked, raised)));
  return (
    <fieldset className={styles.part}>
      <legend className={styles.legend}>{said.spendMore}</legend>
      <Deadline expires={asked.expires} />
      <p className={styles.why} dir="auto">
        {reached}
      </p>
      {asked.caps.length > 0 && (
        <div className={styles.caps}>
          {asked.caps.map(({ name, limit }) => (
            <TextField
              key={name}
              label={said.caps[name]}
              type="number"
              inputMode="decimal"
              min={limit ?? 0}
              step={steps[name]}
              required={!ends && lone}
              value={raised[name] ?? ""}
              onChange={(event) => setRaised((before) => ({ ...before, [name]: event.target.value }))}
            />
          ))}
        </div>
      )}
      {lone ? (
        <div className={styles.actions}>
          <Button look="primary" icon={Check} type="submit">
            {said.goOn}
          </Button>
          <Button look="plain" icon={X} onClick={() => give(decline(asked.id, ""))}>
            {said.end}
          </Button>
        </div>
      ) : (
        <label className={styles.radio}>
          <input type="checkbox" checked={ends} onChange={(event) => setEnds(event.target.checked)} />
          {said.end}
        </label>
      )}
    </fieldset>
  );
}
