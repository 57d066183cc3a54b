// What the person's key may do. The server decides; the page leaves out what would only be refused.

import { LockKeyhole } from "lucide-react";
import type { ReactNode } from "react";
import type { Scope } from "../../protocol/keys/scope.ts";
import { Empty } from "../parts/notice.tsx";
import { mayDo } from "../state/account.ts";
import { useWords } from "../state/words.ts";
import { useApp } from "./context.ts";
import { words } from "./words.ts";

export function useMay(scope: Scope): boolean {
  return mayDo(useApp().account, scope);
}

/** Shows nothing to a key that may not. */
export function May({ scope, children }: { scope: Scope; children: ReactNode }) {
  return useMay(scope) ? children : null;
}

/** In place of a whole panel. */
export function Locked({ scope }: { scope: Scope }) {
  const said = useWords(words);
  return (
    <Empty icon={LockKeyhole}>
      <p>{said.lacks(scope)}</p>
    </Empty>
  );
}
