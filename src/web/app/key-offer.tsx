// Asks about a link that brings a key: sign in as another account, or replace this account's key. Dismissing it changes
// nothing.
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Notice } from "../parts/notice.tsx";
import { type Account, nameOf, rightOf } from "../state/account.ts";
import { type Offer, stay, switchAccount } from "../state/sign-in.ts";
import { defineWords, useWords } from "../state/words.ts";
import styles from "./key-offer.module.css";
import { words as frame } from "./words.ts";

const words = defineWords(
  {
    title: "Switch accounts?",
    sameTitle: "Use another API key?",
    text: "You opened a link with an API key. If you switch, all tabs of this browser are signed out of your account.",
    sameText:
      "You opened a link with another API key for your account. If you use it, this page can do what that key allows.",
    now: "Signed in as",
    link: "Key in the link",
    hidden: "The server can't tell whose it is",
    warning:
      "If you didn't expect this, don't switch. Whoever made the link may see everything you do in the other account.",
    stillUnclear: "The server still can't tell whose key it is. Try again in a moment.",
    stay: (name: ReactNode) => <>Stay signed in as {name}</>,
    switchTo: (name: ReactNode) => <>Switch to {name}</>,
    switchToOther: "Switch to the other account",
    keep: "Keep the current key",
    replace: "Use the key in the link",
    unknown: (name: ReactNode) => <>The API key in the link isn't valid. You are still signed in as {name}.</>,
  },
  {
    title: "切换账户？",
    sameTitle: "改用另一个 API 密钥？",
    text: "你打开的链接包含一个 API 密钥。如果切换，此浏览器的所有标签页都会退出你的账户。",
    sameText: "你打开的链接包含你账户的另一个 API 密钥。改用后，此页面只能执行该密钥允许的操作。",
    now: "当前登录",
    link: "链接中的密钥",
    hidden: "服务器无法确认它属于谁",
    warning: "如果你不清楚链接的来历，请不要切换。创建链接的人可能会看到你在另一个账户中的所有操作。",
    stillUnclear: "服务器仍无法确认这个密钥属于谁。请稍后重试。",
    stay: (name) => <>继续以 {name} 登录</>,
    switchTo: (name) => <>切换到 {name}</>,
    switchToOther: "切换到另一个账户",
    keep: "继续使用当前密钥",
    replace: "改用链接中的密钥",
    unknown: (name) => <>链接中的 API 密钥无效。你仍以 {name} 登录。</>,
  },
);

export function KeyOffer({ offered, account }: { offered: Offer | "unknown"; account: Account }) {
  if (offered === "unknown") return <Unknown account={account} />;
  return <Question key={offered.key} offer={offered} account={account} />;
}

function Unknown({ account }: { account: Account }) {
  const said = useWords(words);
  const general = useWords(frame);
  return (
    <div className={styles.notice} role="alert">
      <Notice
        tone="warn"
        action={
          <Button small look="quiet" onClick={stay}>
            {general.gotIt}
          </Button>
        }
      >
        {said.unknown(<bdi>{cut(nameOf(account))}</bdi>)}
      </Notice>
    </div>
  );
}

function Question({ offer, account }: { offer: Offer; account: Account }) {
  const said = useWords(words);
  const isSettled = useSettled();
  const [isSwitching, setSwitching] = useState(false);
  const [isStillUnclear, setStillUnclear] = useState(false);
  const isSame = offer.account?.user_id === account.user_id;
  // Two accounts may share a name, never an id.
  const isSameName = offer.account !== null && nameOf(offer.account) === nameOf(account);
  const short = (whose: Account) => <bdi>{cut(isSameName ? whose.user_id : nameOf(whose))}</bdi>;
  const act = (): void => {
    setSwitching(true);
    setStillUnclear(false);
    void switchAccount().then((isDone) => {
      setSwitching(isDone);
      setStillUnclear(!isDone);
    });
  };
  return (
    <Dialog title={isSame ? said.sameTitle : said.title} onClose={stay}>
      <p className={styles.text}>{isSame ? said.sameText : said.text}</p>
      <dl className={styles.accounts}>
        <dt>{said.now}</dt>
        <dd>
          <Whose account={account} />
        </dd>
        <dt>{said.link}</dt>
        <dd>{offer.account === null ? said.hidden : <Whose account={offer.account} />}</dd>
      </dl>
      {!isSame && <Notice tone="warn">{said.warning}</Notice>}
      {isStillUnclear && <Notice tone="bad">{said.stillUnclear}</Notice>}
      <div className={styles.answers}>
        <Button disabled={!isSettled || isSwitching} onClick={act}>
          <span>
            {isSame ? said.replace : offer.account ? said.switchTo(short(offer.account)) : said.switchToOther}
          </span>
        </Button>
        <Button look="primary" autoFocus onClick={stay}>
          <span>{isSame ? said.keep : said.stay(short(account))}</span>
        </Button>
      </div>
    </Dialog>
  );
}

function Whose({ account }: { account: Account }) {
  const { adminKey, rights } = useWords(frame);
  const right = rightOf(account);
  const details = [
    account.name === null ? "" : account.user_id,
    account.is_admin ? adminKey : "",
    right === "write" ? "" : rights[right],
  ].filter(Boolean);
  return (
    <>
      <bdi>{nameOf(account)}</bdi>
      {details.length > 0 && <small>{details.join(" · ")}</small>}
    </>
  );
}

/** A name may have 500 characters: too long for a button. */
function cut(name: string): string {
  const letters = [...name];
  return letters.length <= 40 ? name : `${letters.slice(0, 39).join("")}…`;
}

const settleMs = 700;

/**
 * Buttons work only after the page has been in front for a moment, so that a click meant for a window over it decides
 * nothing.
 */
function useSettled(): boolean {
  const [isSettled, setSettled] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      clearTimeout(timer);
      setSettled(false);
      if (document.hasFocus()) timer = setTimeout(() => setSettled(true), settleMs);
    };
    wait();
    window.addEventListener("focus", wait);
    window.addEventListener("blur", wait);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("focus", wait);
      window.removeEventListener("blur", wait);
    };
  }, []);
  return isSettled;
}
