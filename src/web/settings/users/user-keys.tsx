// The keys of a user, for an admin: they can be deleted, also with what they made.
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useWords } from "../../state/words.ts";
import { RevokeMade } from "../key-made.tsx";
import { type ApiKey, KeyRow, useKeyName } from "../key-row.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Group } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { words } from "./words.ts";

/** `state`: another one after each change of the user. */
export function UserKeys({ path, state, onChanged }: { path: string; state: number; onChanged: () => void }) {
  const said = useWords(words);
  const list = useList<ApiKey>(`${path}/api-keys`, state);
  return (
    <Group title={said.keys}>
      <ListView list={list} icon={KeyRound} empty={said.noKeys}>
        {(key) => (
          <KeyRow
            key={key.key_id}
            apiKey={key}
            known={list.rows ?? []}
            actions={<DeleteKey apiKey={key} path={path} onDeleted={onChanged} />}
          />
        )}
      </ListView>
    </Group>
  );
}

function DeleteKey({ apiKey, path, onDeleted }: { apiKey: ApiKey; path: string; onDeleted: () => void }) {
  const said = useWords(words);
  const common = useWords(general);
  const [isRevoking, setRevoking] = useState(false);
  const name = useKeyName()(apiKey);
  return (
    <ConfirmButton
      scope="admin"
      label={common.delete}
      ariaLabel={said.keyLabel(name)}
      question={said.keyQuestion}
      text={said.keyFollows(name)}
      act={(api) => {
        const made = isRevoking ? "?made=revoke" : "";
        return api.send("DELETE", `${path}/api-keys/${encodeURIComponent(apiKey.key_id)}${made}`);
      }}
      onDone={onDeleted}
    >
      <RevokeMade isRevoking={isRevoking} onChoose={setRevoking} />
    </ConfirmButton>
  );
}
