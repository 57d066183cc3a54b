// The form for a new user. The server returns the user's first key, which is shown once.
import { useState } from "react";
import type { User } from "../../../protocol/people/user.ts";
import { TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { Advanced, Form } from "../parts/form.tsx";
import { useAction } from "../use-action.ts";
import { bodyOf, nameUser, type UserDraft } from "./user.ts";
import { UserFields } from "./user-fields.tsx";
import { words } from "./words.ts";

export function NewUser({
  onMade,
  onCancel,
}: {
  onMade: (made: { name: string; key: string }) => void;
  onCancel: () => void;
}) {
  const said = useWords(words);
  const action = useAction();
  const [draft, setDraft] = useState<UserDraft>({ name: "", email: "", isAdmin: false });
  const [id, setId] = useState("");
  const submit = (): void => {
    void action.run(async (api) => {
      type Made = Pick<User, "user_id" | "name"> & { api_key: string };
      const made = await api.send<Made>("POST", "/v1/users", bodyOf(draft, id));
      onMade({ name: nameUser(made), key: made.api_key });
    });
  };
  return (
    <Form frame="box" action={action} submit={said.make} onSubmit={submit} onCancel={onCancel}>
      <UserFields draft={draft} onChange={setDraft} />
      <Advanced label={said.id}>
        <TextField
          label={said.id}
          hint={said.idHint}
          maxLength={64}
          autoComplete="off"
          spellCheck={false}
          value={id}
          onChange={(event) => setId(event.target.value)}
        />
      </Advanced>
    </Form>
  );
}
