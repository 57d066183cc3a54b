// Every stand-in service is labelled as one, on every page. A server without any loads nothing for it.
import { lazy, Suspense, useEffect } from "react";
import { health, readHealth } from "../state/health.ts";
import { useStore } from "../state/store.ts";

/** After a deploy its file may be gone, and the page continues without it. */
const StandInChip = lazy(() =>
  import("./stand-in-chip.tsx").then(
    ({ StandInChip }) => ({ default: StandInChip }),
    () => ({ default: () => <></> }),
  ),
);

export function StandIns() {
  const names = useStore(health, (found) => found?.stand_ins) ?? [];
  useEffect(() => {
    // Another part of the page reports that the server can't be reached.
    readHealth().catch(() => {});
  }, []);
  if (names.length === 0) return null;
  return (
    <Suspense fallback={null}>
      <StandInChip names={names} />
    </Suspense>
  );
}
