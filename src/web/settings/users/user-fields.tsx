// What an admin says of a user.
import { TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { Beside, Check } from "../parts/form.tsx";
import type { UserDraft } from "./user.ts";
import { words } from "./words.ts";

export function UserFields({
  draft,
  isOwn = false,
  onChange,
}: {
  draft: UserDraft;
  /** Nobody takes the role from the account that they use. */
  isOwn?: boolean;
  onChange: (draft: UserDraft) => void;
}) {
  const said = useWords(words);
  return (
    <>
      <Beside>
        <TextField
          label={said.name}
          maxLength={500}
          autoComplete="off"
          autoFocus
          value={draft.name}
          onChange={(event) => onChange({ ...draft, name: event.target.value })}
        />
        <TextField
          label={said.email}
          hint={said.emailHint}
          type="email"
          maxLength={254}
          autoComplete="off"
          spellCheck={false}
          value={draft.email}
          onChange={(event) => onChange({ ...draft, email: event.target.value })}
        />
      </Beside>
      <Check
        label={said.role}
        hint={said.roleHint}
        checked={draft.isAdmin}
        disabled={isOwn && draft.isAdmin}
        onChange={(event) => onChange({ ...draft, isAdmin: event.target.checked })}
      />
    </>
  );
}
