// What distinguishes a user: the state, the role, and that it is oneself.

import type { User } from "../../../protocol/people/user.ts";
import { useApp } from "../../app/context.ts";
import { useWords } from "../../state/words.ts";
import { Badge } from "../parts/row.tsx";
import { words } from "./words.ts";

const tones = { active: "good", disabled: "warn", deleting: "bad", deleted: "bad" } as const;

/** Active users have no badge in a list: it is what most are. */
export function UserBadges({ user, withActive = false }: { user: User; withActive?: boolean }) {
  const said = useWords(words);
  const { account } = useApp();
  const { state, role, user_id } = user;
  return (
    <>
      {user_id === account.user_id && <Badge>{said.you}</Badge>}
      {role === "admin" && <Badge>{said.admin}</Badge>}
      {(withActive || state !== "active") && <Badge tone={tones[state]}>{said.states[state]}</Badge>}
    </>
  );
}
