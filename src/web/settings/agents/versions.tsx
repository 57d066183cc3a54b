// The versions of an agent: compare two, pin one for new runs, store one again as the newest.
import { History } from "lucide-react";
import { useState } from "react";
import { useMay } from "../../app/may.tsx";
import { Button } from "../../parts/button.tsx";
import { ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Group } from "../parts/section.tsx";
import { useAction } from "../use-action.ts";
import { useList } from "../use-list.ts";
import type { Agent } from "./agent.ts";
import { Comparison } from "./comparison.tsx";
import { words } from "./words.ts";

export function Versions({ agent, path, onChanged }: { agent: Agent; path: string; onChanged: () => Promise<void> }) {
  const said = useWords(words);
  const locale = useLocale();
  // A new version is a new list, which begins at the newest.
  const list = useList<Agent>(`${path}/versions?limit=20`, agent.version);
  const [compared, setCompared] = useState<number | null>(null);
  const action = useAction();
  const mayPin = useMay("write");
  const pin = (version: number | null): void => {
    const address = `${path}/pin`;
    void action.run(async (api) => {
      await (version === null ? api.send("DELETE", address) : api.send("PUT", address, { version }));
      await onChanged();
    });
  };
  return (
    <Group title={said.versions}>
      {action.problem && <ProblemNotice problem={action.problem} />}
      {compared !== null && (
        <Comparison
          key={compared}
          {...{ path, newest: agent.version }}
          from={compared}
          onClose={() => setCompared(null)}
        />
      )}
      <ListView list={list} icon={History} empty="">
        {({ version, updated_at }) => (
          <Row
            key={version}
            title={said.version(version)}
            badge={
              <>
                {version === agent.version && <Badge>{said.newest}</Badge>}
                {version === agent.pinned_version && <Badge tone="good">{said.pinned}</Badge>}
              </>
            }
            detail={formatTime(locale, updated_at)}
            actions={
              <>
                {version !== agent.version && (
                  <>
                    <Button
                      small
                      look="quiet"
                      aria-label={said.compareSpoken(version)}
                      onClick={() => setCompared(version)}
                    >
                      {said.compare}
                    </Button>
                    <ConfirmButton
                      label={said.rollBack}
                      look="primary"
                      question={said.rollBackTitle(version)}
                      text={said.rollBackText(version)}
                      act={(api) => api.send("POST", `${path}/rollback`, { version })}
                      onDone={() => void onChanged()}
                    />
                  </>
                )}
                {!mayPin ? null : version === agent.pinned_version ? (
                  <Button small disabled={action.isBusy} onClick={() => pin(null)}>
                    {said.unpin}
                  </Button>
                ) : (
                  <Button
                    small
                    disabled={action.isBusy}
                    aria-label={said.pinSpoken(version)}
                    onClick={() => pin(version)}
                  >
                    {said.pin}
                  </Button>
                )}
              </>
            }
          />
        )}
      </ListView>
    </Group>
  );
}
