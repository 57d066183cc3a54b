// Who did what: the own account's entries, for an admin those of all. Newest first, with filters.
import { ScrollText } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { AuditAction } from "../../../protocol/people/audit.ts";
import type { User } from "../../../protocol/people/user.ts";
import { useApp } from "../../app/context.ts";
import { useMay } from "../../app/may.tsx";
import { Select, TextField } from "../../parts/field.tsx";
import { nameOf } from "../../state/account.ts";
import { go, place } from "../../state/place.ts";
import { useStore } from "../../state/store.ts";
import { useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { Beside } from "../parts/form.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { nameUser } from "../users/user.ts";
import { words as general } from "../words.ts";
import { describeEntry, type Entry, type Names, sayEntry } from "./entry.ts";
import { pathOf } from "./filter.ts";
import { acts, cases, words } from "./words.ts";

const noUsers: User[] = [];

export function Audit() {
  return useMay("admin") ? <OfAll /> : <Entries users={noUsers} />;
}

function OfAll() {
  return <Entries users={useList<User>("/v1/users?limit=200").rows ?? noUsers} />;
}

function Entries({ users }: { users: User[] }) {
  const said = useWords(words);
  const known = useWords(acts);
  const { sections } = useWords(general);
  const isAdmin = useMay("admin");
  const named = useStore(place, ({ settings }) => settings?.split(" ")[1] ?? "");
  const whose = isAdmin ? named : "";
  const [action, setAction] = useState<AuditAction | "">("");
  const [since, setSince] = useState("");
  const [until, setUntil] = useState("");
  const list = useList<Entry>(pathOf({ whose, action, since, until }));
  return (
    <Section title={sections.audit} about={isAdmin ? said.aboutAll : said.about}>
      <Beside>
        {isAdmin && <Whose users={users} whose={whose} />}
        <Select
          label={said.action}
          value={action}
          onChange={(event) => setAction(event.target.value as AuditAction | "")}
        >
          <option value="">{said.anything}</option>
          {(Object.keys(known) as AuditAction[]).map((each) => (
            <option key={each} value={each}>
              {each === "sign_in.refuse" ? known[each].done : known[each].plain}
            </option>
          ))}
        </Select>
      </Beside>
      <Beside>
        <TextField label={said.since} type="date" value={since} onChange={(event) => setSince(event.target.value)} />
        <TextField label={said.until} type="date" value={until} onChange={(event) => setUntil(event.target.value)} />
      </Beside>
      <Rows list={list} users={users} whose={whose} />
    </Section>
  );
}

/** In the address, so that a user's page leads here. */
function Whose({ users, whose }: { users: User[]; whose: string }) {
  const said = useWords(words);
  const isMissing = whose !== "" && !users.some(({ user_id }) => user_id === whose);
  return (
    <Select
      label={said.whose}
      value={whose}
      onChange={(event) => go({ settings: `audit ${event.target.value}`.trim() }, { replace: true })}
    >
      <option value="">{said.everybody}</option>
      {isMissing && <option value={whose}>{whose}</option>}
      {users.map((user) => (
        <option key={user.user_id} value={user.user_id}>
          {user.name?.trim() ? `${user.name} (${user.user_id})` : user.user_id}
        </option>
      ))}
    </Select>
  );
}

function Rows({ list, users, whose }: { list: ReturnType<typeof useList<Entry>>; users: User[]; whose: string }) {
  const said = useWords(words);
  const names = useNames(users, whose);
  const both = { acts: useWords(acts), cases: useWords(cases), words: said };
  const locale = useLocale();
  return (
    <ListView list={list} icon={ScrollText} empty={said.empty}>
      {(entry) => (
        <Row
          key={entry.entry_id}
          title={sayEntry(entry, both, names)}
          isWhole
          badge={
            <>
              {entry.outcome === "refused" && entry.action !== "sign_in.refuse" && (
                <Badge tone="warn">{said.refused}</Badge>
              )}
              {entry.outcome === null && <Badge>{said.unknown}</Badge>}
            </>
          }
          detail={[formatTime(locale, entry.created_at), ...describeEntry(entry, said, names)].join(" · ")}
        />
      )}
    </ListView>
  );
}

/** Entries have ids. Known here are the listed users, and the keys of the shown account that are still there. */
function useNames(users: User[], whose: string): Names {
  const { account } = useApp();
  const keys = useKeys(whose);
  return useMemo(() => {
    const userNames = new Map([
      [account.user_id, nameOf(account)],
      ...users.map((user) => [user.user_id, nameUser(user)] as const),
    ]);
    const keyNames = new Map(keys.map(({ key_id, name }) => [key_id, name]));
    return {
      own: account.user_id,
      user: (id) => userNames.get(id) ?? null,
      key: (id) => keyNames.get(id) || null,
    };
  }, [account, users, keys]);
}

interface NamedKey {
  key_id: string;
  name: string | null;
}

const noKeys: NamedKey[] = [];

function useKeys(whose: string): NamedKey[] {
  const { api, account } = useApp();
  const path =
    whose === "" || whose === account.user_id ? "/v1/api-keys" : `/v1/users/${encodeURIComponent(whose)}/api-keys`;
  const mayRead = useMay("read");
  const [keys, setKeys] = useState(noKeys);
  useEffect(() => {
    if (!mayRead && path === "/v1/api-keys") return;
    let isCurrent = true;
    // Without them entries have ids.
    api.get<{ data: NamedKey[] }>(`${path}?limit=200`).then(
      ({ data }) => isCurrent && setKeys(data),
      () => {},
    );
    return () => {
      isCurrent = false;
    };
  }, [api, path, mayRead]);
  return keys;
}
