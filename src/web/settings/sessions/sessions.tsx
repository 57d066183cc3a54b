// Where the person is signed in. This browser's session is marked: it is ended by signing out.

import { MonitorSmartphone } from "lucide-react";
import { useState } from "react";
import type { SessionView } from "../../../protocol/people/session.ts";
import { useApp } from "../../app/context.ts";
import { words as frame } from "../../app/words.ts";
import type { Api } from "../../client/api.ts";
import { Button } from "../../parts/button.tsx";
import { signOut } from "../../state/sign-in.ts";
import { defineWords, useWords } from "../../state/words.ts";
import { formatTime, useLocale } from "../format.ts";
import { KeyMade, RevokeMade } from "../key-made.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { ListView } from "../parts/list-view.tsx";
import { Badge, Row } from "../parts/row.tsx";
import { Section } from "../parts/section.tsx";
import { useList } from "../use-list.ts";
import { words } from "../words.ts";
import { nameBrowser } from "./browser-name.ts";

const own = defineWords(
  {
    about: "Browsers where you are signed in. End sessions that you don't recognize or no longer use.",
    empty: "No browser is signed in with an account. Sign-ins with an API key aren't listed here.",
    browser: (browser: string | null, system: string | null) =>
      [browser ?? "Unknown browser", system].filter(Boolean).join(" on "),
    here: "This browser",
    unknownAddress: "unknown address",
    used: (time: string) => `last used ${time}`,
    began: (time: string) => `signed in ${time}`,
    end: "End",
    ariaLabel: (name: string) => `End the session of ${name}`,
    question: "End this session?",
    follows: (name: string) => `${name} is signed out. Text that was typed there but not sent is kept.`,
    endOthers: "End all others",
    othersQuestion: "End all other sessions?",
    othersFollow: "Every other browser is signed out.",
    endAll: "End all",
    allQuestion: "End all sessions?",
    allFollow: "Every browser is signed out, except those that use an API key, such as this one.",
  },
  {
    about: "你已登录的浏览器。请结束不认识或不再使用的会话。",
    empty: "没有浏览器以账户方式登录。使用 API 密钥的登录不在此列出。",
    browser: (browser, system) => [browser ?? "未知浏览器", system].filter(Boolean).join(" · "),
    here: "当前浏览器",
    unknownAddress: "地址未知",
    used: (time) => `最近使用：${time}`,
    began: (time) => `登录于 ${time}`,
    end: "结束",
    ariaLabel: (name) => `结束 ${name} 的会话`,
    question: "结束这个会话？",
    follows: (name) => `${name} 将退出登录。其中已输入但未发送的内容会保留。`,
    endOthers: "结束其他会话",
    othersQuestion: "结束所有其他会话？",
    othersFollow: "除当前浏览器外，所有浏览器都将退出登录。",
    endAll: "全部结束",
    allQuestion: "结束所有会话？",
    allFollow: "除使用 API 密钥的浏览器（例如当前浏览器）外，所有浏览器都将退出登录。",
  },
);

export interface Session extends SessionView {
  /** Whether this browser holds it. */
  current: boolean;
}

export function Sessions() {
  const general = useWords(words);
  const said = useWords(own);
  const isSignedInByOne = useApp().account.session_id !== null;
  const list = useList<Session>("/v1/sessions");
  const others = (list.rows ?? []).filter(({ current }) => !current);
  const [isRevoking, setRevoking] = useState(false);
  return (
    <Section
      title={general.sections.sessions}
      about={said.about}
      action={
        others.length > 0 && (
          <ConfirmButton
            label={isSignedInByOne ? said.endOthers : said.endAll}
            question={isSignedInByOne ? said.othersQuestion : said.allQuestion}
            text={isSignedInByOne ? said.othersFollow : said.allFollow}
            act={(api) => endAll(api, others, isRevoking)}
            onDone={() => void list.refresh()}
          >
            <RevokeMade isRevoking={isRevoking} onChoose={setRevoking} />
          </ConfirmButton>
        )
      }
    >
      <ListView list={list} icon={MonitorSmartphone} empty={said.empty}>
        {(session) => <SessionRow key={session.session_id} session={session} onEnded={() => void list.refresh()} />}
      </ListView>
    </Section>
  );
}

/** One after the other where it is also about what each made: a person has a few dozen at most. */
async function endAll(api: Api, sessions: Session[], isRevoking: boolean): Promise<void> {
  if (!isRevoking) return api.send("DELETE", "/v1/sessions?except=current");
  for (const { session_id } of sessions) await api.send("DELETE", pathOf(session_id, isRevoking));
}

function pathOf(session_id: string, isRevoking: boolean): string {
  return `/v1/sessions/${encodeURIComponent(session_id)}${isRevoking ? "?made=revoke" : ""}`;
}

function SessionRow({ session, onEnded }: { session: Session; onEnded: () => void }) {
  const said = useWords(own);
  const general = useWords(frame);
  const locale = useLocale();
  const [isRevoking, setRevoking] = useState(false);
  const { browser, system } = nameBrowser(session.user_agent ?? "");
  const name = said.browser(browser, system);
  const { last_used_at } = session;
  const details = [
    session.address ?? said.unknownAddress,
    last_used_at !== null && said.used(formatTime(locale, last_used_at)),
    said.began(formatTime(locale, session.created_at)),
  ].filter(Boolean);
  return (
    <Row
      title={name}
      badge={session.current && <Badge tone="good">{said.here}</Badge>}
      detail={<span title={session.user_agent ?? undefined}>{details.join(" · ")}</span>}
      actions={
        session.current ? (
          <Button small onClick={() => void signOut()}>
            {general.signOut}
          </Button>
        ) : (
          <ConfirmButton
            label={said.end}
            ariaLabel={said.ariaLabel(name)}
            question={said.question}
            text={said.follows(name)}
            act={(api) => api.send("DELETE", pathOf(session.session_id, isRevoking))}
            onDone={onEnded}
          >
            <KeyMade key_id={session.session_id} isRevoking={isRevoking} onChoose={setRevoking} />
          </ConfirmButton>
        )
      }
    />
  );
}
