// When a schedule is due. Common times have names; any other is a cron expression, which the names fill in too.
import { useMemo } from "react";
import { Select, TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { Beside } from "../parts/form.tsx";
import type { Draft } from "./draft.ts";
import { listZones, ownZone } from "./trigger.ts";
import { words } from "./words.ts";

export function ScheduleFields({ draft, change }: Draft) {
  const said = useWords(words);
  const zones = useMemo(() => listZones(ownZone()), []);
  const isKnown = zones.includes(draft.timezone);
  return (
    <>
      <Beside>
        <Select
          label={said.when}
          value={draft.cron in said.presets ? draft.cron : ""}
          onChange={(event) => event.target.value !== "" && change({ cron: event.target.value })}
        >
          {Object.entries(said.presets).map(([cron, name]) => (
            <option key={cron} value={cron}>
              {name}
            </option>
          ))}
          <option value="">{said.custom}</option>
        </Select>
        <TextField
          label={said.cron}
          hint={said.cronHint}
          required
          maxLength={200}
          spellCheck={false}
          autoComplete="off"
          value={draft.cron}
          onChange={(event) => change({ cron: event.target.value })}
        />
      </Beside>
      <Beside>
        <Select label={said.zone} value={draft.timezone} onChange={(event) => change({ timezone: event.target.value })}>
          {!isKnown && <option value={draft.timezone}>{draft.timezone}</option>}
          {zones.map((zone) => (
            <option key={zone} value={zone}>
              {zone}
            </option>
          ))}
        </Select>
        <Select
          label={said.overlap}
          value={draft.overlap}
          onChange={(event) => change({ overlap: event.target.value === "queue" ? "queue" : "skip" })}
        >
          <option value="skip">{said.overlaps.skip}</option>
          <option value="queue">{said.overlaps.queue}</option>
        </Select>
      </Beside>
    </>
  );
}
