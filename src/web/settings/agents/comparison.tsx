// The differences between two versions of an agent, field by field, before beside after.
import { useState } from "react";
import type { AgentChange } from "../../../protocol/agents/changes.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Select } from "../../parts/field.tsx";
import { Notice, ProblemNotice, Spinner } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { Beside } from "../parts/form.tsx";
import { useOne } from "../use-one.ts";
import { showValue } from "./agent.ts";
import styles from "./comparison.module.css";
import { words } from "./words.ts";

export function Comparison({
  path,
  from: first,
  newest,
  onClose,
}: {
  path: string;
  from: number;
  newest: number;
  onClose: () => void;
}) {
  const said = useWords(words);
  const [from, setFrom] = useState(first);
  const [to, setTo] = useState(newest);
  const { thing, problem } = useOne<{ changes: AgentChange[] }>(`${path}/compare?from=${from}&to=${to}`);
  const changes = thing?.changes ?? null;
  return (
    <Dialog wide title={said.compareTitle} onClose={onClose}>
      <div className={styles.content}>
        <Beside>
          <VersionSelect label={said.from} value={from} newest={newest} onChoose={setFrom} />
          <VersionSelect label={said.to} value={to} newest={newest} onChoose={setTo} />
        </Beside>
        {problem && <ProblemNotice problem={problem} />}
        {changes === null && !problem && <Spinner />}
        {changes?.length === 0 && <Notice>{said.same}</Notice>}
        {changes?.map((change) => (
          <Change key={change.field} change={change} />
        ))}
      </div>
    </Dialog>
  );
}

function VersionSelect({
  label,
  value,
  newest,
  onChoose,
}: {
  label: string;
  value: number;
  newest: number;
  onChoose: (version: number) => void;
}) {
  const said = useWords(words);
  return (
    <Select label={label} value={value} onChange={(event) => onChoose(Number(event.target.value))}>
      {Array.from({ length: newest }, (_, place) => newest - place).map((version) => (
        <option key={version} value={version}>
          {said.version(version)}
        </option>
      ))}
    </Select>
  );
}

function Change({ change }: { change: AgentChange }) {
  const said = useWords(words);
  const { field, from, to } = change;
  return (
    <section>
      <h4 className={styles.field}>{field}</h4>
      <div className={styles.sides}>
        <Side name={said.removed} className={styles.removed} value={from} />
        <Side name={said.added} className={styles.added} value={to} />
      </div>
    </section>
  );
}

function Side({ name, className, value }: { name: string; className: string | undefined; value: unknown }) {
  return (
    <div className={`${styles.side} ${className}`}>
      <p className={styles.name}>{name}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is long is scrolled with the keyboard too */}
      <pre tabIndex={0} dir="auto">
        {showValue(value)}
      </pre>
    </div>
  );
}
