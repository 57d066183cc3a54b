// One user: the account, what it has, and what an admin can do with it.
import { Ban, LogOut, Pencil, RotateCcw, ScrollText, Trash2 } from "lucide-react";
import { useState } from "react";
import type { UserCounts } from "../../../protocol/people/user.ts";
import { useApp } from "../../app/context.ts";
import { Button } from "../../parts/button.tsx";
import { Notice, ProblemNotice } from "../../parts/notice.tsx";
import { go } from "../../state/place.ts";
import { useWords } from "../../state/words.ts";
import { formatNumber, formatTime, useLocale } from "../format.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Bar, Form } from "../parts/form.tsx";
import { Waiting } from "../parts/list-view.tsx";
import { Fact, Facts } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useAction } from "../use-action.ts";
import { useOne } from "../use-one.ts";
import { words as general } from "../words.ts";
import { draftOf, nameUser, patchOf, type UserWithCounts } from "./user.ts";
import { UserBadges } from "./user-badges.tsx";
import { UserFields } from "./user-fields.tsx";
import { UserKeys } from "./user-keys.tsx";
import { words } from "./words.ts";

export function UserPage({ user_id, onBack }: { user_id: string; onBack: () => void }) {
  const said = useWords(words);
  const path = `/v1/users/${encodeURIComponent(user_id)}`;
  const { thing: user, problem, refresh } = useOne<UserWithCounts>(path);
  const [isEditing, setEditing] = useState(false);
  const [changes, setChanges] = useState(0);
  const change = (): void => {
    setChanges(changes + 1);
    refresh();
  };
  if (user && isEditing) {
    const close = (): void => {
      setEditing(false);
      change();
    };
    return (
      <Section title={said.editTitle} onBack={() => setEditing(false)}>
        <EditUser path={path} user={user} onSaved={close} onCancel={() => setEditing(false)} />
      </Section>
    );
  }
  return (
    <Section
      title={user ? nameUser(user) : user_id}
      action={user && <UserBadges user={user} withActive />}
      onBack={onBack}
    >
      {problem && <ProblemNotice problem={problem} />}
      {user === null && !problem && <Waiting />}
      {user && (
        <>
          <Actions user={user} path={path} onEdit={() => setEditing(true)} onChanged={change} />
          <Account user={user} />
          {user.deleted_at === null && <UserKeys path={path} state={changes} onChanged={change} />}
        </>
      )}
    </Section>
  );
}

function Actions({
  user,
  path,
  onEdit,
  onChanged,
}: {
  user: UserWithCounts;
  path: string;
  onEdit: () => void;
  onChanged: () => void;
}) {
  const said = useWords(words);
  const common = useWords(general);
  const { account } = useApp();
  const action = useAction();
  const name = nameUser(user);
  // With the admin key the account is its own only as long as that acts for it; then the server refuses, and says why.
  const isOwn = user.user_id === account.user_id && !account.is_admin;
  const isThere = user.deleted_at === null;
  const shared = { scope: "admin", onDone: onChanged } as const;
  return (
    <>
      {!isThere && <Notice tone="warn">{user.state === "deleted" ? said.deletedNow : said.deletingNow}</Notice>}
      {isThere && isOwn && <Notice>{said.ownAccount}</Notice>}
      {action.problem && <ProblemNotice problem={action.problem} />}
      <Bar>
        {isThere && (
          <Button small icon={Pencil} onClick={onEdit}>
            {common.edit}
          </Button>
        )}
        <Button small icon={ScrollText} onClick={() => go({ settings: `audit ${user.user_id}` }, { replace: true })}>
          {said.audit}
        </Button>
        {isThere && user.counts.sessions > 0 && (
          <ConfirmButton
            {...shared}
            label={said.endSessions}
            icon={LogOut}
            question={said.endSessionsQuestion}
            text={said.endSessionsFollows(name)}
            act={(api) => api.send("DELETE", `${path}/sessions`)}
          />
        )}
        {user.state === "disabled" && (
          <Button
            small
            icon={RotateCcw}
            disabled={action.isBusy}
            onClick={() =>
              void action
                .run((api) => api.send("PATCH", path, { disabled: false }))
                .then((isDone) => isDone && onChanged())
            }
          >
            {said.enable}
          </Button>
        )}
        {user.state === "active" && !isOwn && (
          <ConfirmButton
            {...shared}
            label={said.disable}
            icon={Ban}
            question={said.disableQuestion}
            text={said.disableFollows(name)}
            act={(api) => api.send("PATCH", path, { disabled: true })}
          />
        )}
        {isThere && !isOwn && (
          <ConfirmButton
            {...shared}
            label={common.delete}
            icon={Trash2}
            question={said.deleteTitle}
            text={said.deleteFollows(name)}
            phrase={user.user_id}
            act={(api) => api.send("DELETE", path)}
          >
            <Counts counts={user.counts} />
          </ConfirmButton>
        )}
      </Bar>
    </>
  );
}

function Account({ user }: { user: UserWithCounts }) {
  const said = useWords(words);
  const locale = useLocale();
  const { user_id, email, created_at, disabled_at, deleted_at, counts } = user;
  const times = [
    created_at !== null && said.made(formatTime(locale, created_at)),
    disabled_at !== null && said.disabledSince(formatTime(locale, disabled_at)),
    deleted_at !== null && said.deletedSince(formatTime(locale, deleted_at)),
  ].filter(Boolean);
  return (
    <Facts>
      <Fact name={said.id}>{user_id}</Fact>
      {email !== null && <Fact name={said.email}>{email}</Fact>}
      {times.length > 0 && <Fact name={said.since}>{times.join(" · ")}</Fact>}
      <Fact name={said.has}>{useCounts(counts)}</Fact>
    </Facts>
  );
}

/** What goes with the account. */
function Counts({ counts }: { counts: UserCounts }) {
  return <p>{useCounts(counts)}</p>;
}

function useCounts(counts: UserCounts): string {
  const said = useWords(words);
  const locale = useLocale();
  const names = Object.keys(said.counts) as (keyof UserCounts)[];
  return names.map((name) => said.count(said.counts[name], formatNumber(locale, counts[name]))).join(" · ");
}

function EditUser({
  path,
  user,
  onSaved,
  onCancel,
}: {
  path: string;
  user: UserWithCounts;
  onSaved: () => void;
  onCancel: () => void;
}) {
  const said = useWords(words);
  const { account } = useApp();
  const action = useAction();
  const [draft, setDraft] = useState(draftOf(user));
  const submit = (): void => {
    const patch = patchOf(user, draft);
    if (patch === null) onCancel();
    else void action.run((api) => api.send("PATCH", path, patch)).then((isDone) => isDone && onSaved());
  };
  return (
    <Form action={action} submit={said.save} onSubmit={submit} onCancel={onCancel}>
      <UserFields draft={draft} isOwn={user.user_id === account.user_id && !account.is_admin} onChange={setDraft} />
    </Form>
  );
}
