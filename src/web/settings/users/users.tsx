// The people with accounts, for admins: a list that can be searched, and a page for each.
import { Plus, Users as UsersIcon } from "lucide-react";
import { useState } from "react";
import type { User, UserState } from "../../../protocol/people/user.ts";
import { Button } from "../../parts/button.tsx";
import { Select, TextField } from "../../parts/field.tsx";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { Beside } from "../parts/form.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Row } from "../parts/row.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { NewUser } from "./new-user.tsx";
import { findUsers, nameUser } from "./user.ts";
import { UserBadges } from "./user-badges.tsx";
import { UserPage } from "./user-page.tsx";
import { words } from "./words.ts";

const states = ["active", "disabled", "deleting", "deleted"] as const satisfies UserState[];

export function Users() {
  const said = useWords(words);
  const { sections } = useWords(general);
  const [state, setState] = useState<UserState | "">("");
  const [typed, setTyped] = useState("");
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<{ name: string; key: string } | null>(null);
  const [opened, setOpened] = useState<string | null>(null);
  const list = useList<User>(`/v1/users?limit=100${state === "" ? "" : `&state=${state}`}`);
  const shown = list.rows && findUsers(list.rows, typed);
  if (opened !== null) {
    const close = (): void => {
      setOpened(null);
      void list.refresh();
    };
    return <UserPage user_id={opened} onBack={close} />;
  }
  return (
    <Section
      title={sections.users}
      about={said.about}
      action={
        !isMaking && (
          <Button small look="primary" icon={Plus} onClick={() => setMaking(true)}>
            {said.add}
          </Button>
        )
      }
    >
      {isMaking && (
        <NewUser
          onMade={(next) => {
            setMaking(false);
            setMade(next);
            void list.refresh();
          }}
          onCancel={() => setMaking(false)}
        />
      )}
      {made !== null && <SecretOnce name={said.firstKey(made.name)} secret={made.key} onDone={() => setMade(null)} />}
      <Beside>
        <TextField
          label={said.search}
          type="search"
          autoComplete="off"
          spellCheck={false}
          hint={list.hasMore && typed.trim() !== "" ? said.notAll : undefined}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Select label={said.state} value={state} onChange={(event) => setState(event.target.value as UserState | "")}>
          <option value="">{said.allStates}</option>
          {states.map((each) => (
            <option key={each} value={each}>
              {said.states[each]}
            </option>
          ))}
        </Select>
      </Beside>
      <ListView list={{ ...list, rows: shown }} icon={UsersIcon} empty={list.rows?.length ? said.none : said.empty}>
        {(user) => <UserRow key={user.user_id} user={user} onOpen={() => setOpened(user.user_id)} />}
      </ListView>
    </Section>
  );
}

function UserRow({ user, onOpen }: { user: User; onOpen: () => void }) {
  const said = useWords(words);
  const locale = useLocale();
  const { user_id, email, created_at } = user;
  const name = nameUser(user);
  const details = [
    name !== user_id && user_id,
    email,
    created_at !== null && said.made(formatTime(locale, created_at)),
  ].filter(Boolean);
  return <Row title={name} badge={<UserBadges user={user} />} detail={details.join(" · ")} onOpen={onOpen} />;
}
