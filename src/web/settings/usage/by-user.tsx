// Who spends, for admins: users by cost, with what their runs hold in reserve.

import { Users } from "lucide-react";
import type { Usage } from "../../../protocol/run.ts";
import { formatMoney } from "../../client/money.ts";
import { Button } from "../../parts/button.tsx";
import { Empty, ProblemNotice } from "../../parts/notice.tsx";
import { useWords } from "../../state/words.ts";
import { formatNumber, useLocale } from "../format.ts";
import { useList } from "../use-list.ts";
import { words as general } from "../words.ts";
import { HeadRow } from "./head-row.tsx";
import styles from "./usage.module.css";
import { words } from "./words.ts";

interface UserUsage extends Usage {
  user_id: string;
  /** Null for a user without one, or who is gone. */
  name: string | null;
  runs: number;
  reserved: { cost_usd: number; tokens: number };
}

/** The server reads every run of all users in these days. */
const MAX_DAYS = 31;

export function ByUser({ days }: { days: number }) {
  const said = useWords(words);
  const { retry, loading } = useWords(general);
  const asked = Math.min(days, MAX_DAYS);
  const list = useList<UserUsage>(`/v1/usage/users?days=${asked}`);
  return (
    <section className={styles.byUser} aria-labelledby="usage-by-user">
      <h3 id="usage-by-user" className={styles.heading}>
        {said.byUser}
      </h3>
      <p className={styles.remark}>
        {said.reservedHint}
        {asked < days && ` ${said.only(asked)}`}
      </p>
      {list.problem && (
        <ProblemNotice
          problem={list.problem}
          action={
            <Button small onClick={() => void list.refresh()}>
              {retry}
            </Button>
          }
        />
      )}
      {list.rows === null && !list.problem && <p role="status">{loading}</p>}
      {list.rows?.length === 0 && (
        <Empty icon={Users}>
          <p>{said.emptyUsers}</p>
        </Empty>
      )}
      {list.rows !== null && list.rows.length > 0 && <Table users={list.rows} />}
    </section>
  );
}

function Table({ users }: { users: UserUsage[] }) {
  const said = useWords(words);
  const locale = useLocale();
  const names = [said.user, said.cost, said.reserved, said.input, said.cached, said.output, said.runs];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <section className={styles.wide} aria-label={said.byUser} tabIndex={0}>
      <table className={styles.table}>
        <HeadRow names={names} />
        <tbody>
          {users.map((user) => (
            <tr key={user.user_id}>
              <th scope="row" dir="auto" title={user.user_id}>
                {user.name || user.user_id}
              </th>
              <td>
                {user.cost_usd === null ? "–" : formatMoney(locale, user.cost_usd)}
                {user.estimated?.cost_usd != null && (
                  <small>{said.estimated(formatMoney(locale, user.estimated.cost_usd))}</small>
                )}
              </td>
              <td>{describeReserved(user.reserved, said, locale)}</td>
              {[user.input_tokens, user.cached_input_tokens, user.output_tokens, user.runs].map((number, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns stay where they are
                <td key={place}>{formatNumber(locale, number)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** In money where that is capped, else in tokens. */
function describeReserved(
  { cost_usd, tokens }: UserUsage["reserved"],
  said: (typeof words)["en"],
  locale: string,
): string {
  if (cost_usd > 0) return formatMoney(locale, cost_usd);
  return tokens > 0 ? said.tokens(formatNumber(locale, tokens)) : "–";
}
