// The first page: signs in, opens a thread, and lets a person send a request and watch it being done. It talks to the server
// through the public API only.
import { Api, ApiError } from "./client/api.ts";
import { newId } from "./client/ids.ts";
import { element } from "./element.ts";
import { Page } from "./page.ts";
import { forgetKey, keepKey, readPlace, showThread } from "./session.ts";
import { ThreadSession } from "./thread.ts";
import { words } from "./words.ts";

const app = document.getElementById("app") ?? document.body;

function showSignIn(problem: string | null): void {
  const field = element("input", {
    id: "key",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    keepKey(field.value.trim());
    openPage();
  };
  const form = element(
    "form",
    { class: "sign-in", submit },
    element("h1", {}, "Taskloom"),
    element("label", { for: "key" }, words.key),
    field,
    element("button", { type: "submit" }, words.signIn),
    element("p", { class: "hint" }, words.keyHint),
  );
  if (problem !== null) form.append(element("p", { class: "problem", role: "alert" }, problem));
  app.replaceChildren(form);
  field.focus();
}

function openPage(): void {
  const { key, thread } = readPlace();
  if (key === null) {
    showSignIn(null);
    return;
  }
  const api = new Api("", key);
  let session: ThreadSession | null = null;

  const leave = (problem: string | null): void => {
    session?.close();
    window.onhashchange = null;
    forgetKey();
    showSignIn(problem);
  };
  const perform = (act: Promise<void> | undefined): void => {
    act?.catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) leave(words.keyRefused);
    });
  };
  const open = (id: string | null): void => {
    session?.close();
    session = new ThreadSession(api, id ?? newId("thread"), (view) => page.show(view));
    // A thread begins with its first message: of a new one the server knows nothing yet.
    if (id === null) session.begin();
    else perform(session.open());
    page.focus();
  };
  const page = new Page({
    send: (text) => {
      if (session) showThread(session.id);
      perform(session?.send(text));
    },
    stop: () => perform(session?.stop()),
    answer: (answers) => perform(session?.answer(answers)),
    fresh: () => {
      showThread(null);
      open(null);
    },
    signOut: () => leave(null),
  });

  app.replaceChildren(page.root);
  open(thread);
  api.health().then(
    ({ stand_ins }) => page.showStandIns(stand_ins),
    () => {},
  );
  // Someone followed a link to another thread, or to a new key.
  window.onhashchange = (): void => {
    if (location.hash.includes("key=")) {
      session?.close();
      openPage();
    } else open(readPlace().thread);
  };
}

document.documentElement.lang = words.language;
openPage();
