// The sections of the settings that this person sees.
import { useMemo } from "react";
import { listSections } from "../settings/sections.ts";
import { health } from "../state/health.ts";
import { useStore } from "../state/store.ts";
import { useApp } from "./context.ts";

export function useSections(): ReturnType<typeof listSections> {
  const { account } = useApp();
  const hasSessions = useStore(health, (found) => Boolean(found?.sign_in));
  return useMemo(() => listSections(account, hasSessions), [account, hasSessions]);
}
