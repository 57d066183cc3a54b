// The page of a signed-in person. Drawn from the view at most once a frame; an item is drawn again only when it changed.
import type { AgUiInterrupt } from "../protocol/event.ts";
import type { InterruptAnswer } from "../protocol/thread.ts";
import type { Conversation, Item } from "./client/conversation.ts";
import { isSilentTool } from "./client/tool-title.ts";
import { element, link } from "./element.ts";
import { drawItem } from "./items.ts";
import { drawPlan } from "./plan.ts";
import { drawQuestions } from "./questions/form.ts";
import type { ThreadView } from "./thread.ts";
import { words } from "./words.ts";

export interface PageActions {
  send(text: string): void;
  stop(): void;
  answer(answers: InterruptAnswer[]): void;
  fresh(): void;
  signOut(): void;
}

/** A reader who has scrolled up further than this reads, and is not pulled down. */
const nearEnd = 80;

export class Page {
  readonly root: HTMLElement;
  readonly #actions: PageActions;
  readonly #log = element("div", { class: "log", role: "log", "aria-label": words.conversation });
  readonly #plan = element("aside", { class: "plan", "aria-label": words.plan, hidden: true });
  readonly #foot = element("div", { class: "foot", "aria-live": "polite" });
  readonly #notices = element("div", { class: "notices" });
  readonly #box = element("textarea", { id: "message", rows: "1", placeholder: words.placeholder });
  readonly #button = element("button", { type: "submit" }, words.send);
  #drawn = new Map<string, { item: Item; node: HTMLElement }>();
  #shown: ThreadView | null = null;
  #next: ThreadView | null = null;
  /** The form of what was asked last: should sending fail, it comes back as it was filled in. */
  #form: { interrupts: AgUiInterrupt[]; node: HTMLElement } | null = null;

  constructor(actions: PageActions) {
    this.#actions = actions;
    const header = element(
      "header",
      {},
      element("h1", {}, "Taskloom"),
      element("button", { type: "button", class: "quiet", click: actions.fresh }, words.fresh),
      element("button", { type: "button", class: "quiet", click: actions.signOut }, words.signOut),
    );
    const talk = element("main", {}, this.#log, this.#foot, this.#drawComposer());
    this.root = element("div", { class: "page" }, header, this.#notices, this.#plan, talk);
  }

  /** Whatever stands in for the real thing is called so. */
  showStandIns(names: string[]): void {
    const known: Record<string, string> = { model: words.scriptedModel, sandbox: words.localSandbox };
    const notices = names.flatMap((name) => known[name] ?? []);
    this.#notices.replaceChildren(...notices.map((notice) => element("p", {}, notice)));
  }

  show(view: ThreadView): void {
    if (this.#next === null) requestAnimationFrame(() => this.#draw());
    this.#next = view;
  }

  focus(): void {
    this.#box.focus();
  }

  #drawComposer(): HTMLElement {
    const submit = (event: Event): void => {
      event.preventDefault();
      if (this.#shown?.busy) this.#actions.stop();
      else this.#send();
    };
    const key = (event: Event): void => {
      const { key, shiftKey, isComposing } = event as KeyboardEvent;
      // Enter that chooses among the characters of an input method sends nothing.
      if (key !== "Enter" || shiftKey || isComposing) return;
      event.preventDefault();
      if (!this.#shown?.busy) this.#send();
    };
    this.#box.addEventListener("keydown", key);
    const label = element("label", { for: "message", class: "unseen" }, words.message);
    return element("form", { class: "composer", submit }, label, this.#box, this.#button);
  }

  #send(): void {
    const text = this.#box.value;
    if (text.trim() === "") return;
    this.#box.value = "";
    this.#actions.send(text);
  }

  #draw(): void {
    const view = this.#next;
    this.#next = null;
    if (view === null) return;
    const before = this.#shown;
    this.#shown = view;
    const { conversation, busy } = view;
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < nearEnd;
    this.#drawItems(view);
    if (before?.conversation.state.plan !== conversation.state.plan) {
      this.#plan.replaceChildren(...drawPlan(conversation.state.plan));
      this.#plan.hidden = this.#plan.childElementCount === 0;
    }
    this.#drawFoot(view, before);
    this.#button.textContent = busy ? words.stop : words.send;
    this.#button.classList.toggle("stop", busy);
    if (isAtEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #drawItems({ conversation, busy }: ThreadView): void {
    const shown = conversation.items.filter((item) => item.kind !== "tool" || !isSilentTool(item.name));
    const drawn = new Map<string, { item: Item; node: HTMLElement }>();
    let last: HTMLElement | null = null;
    for (const item of shown) {
      const key = `${item.kind} ${item.id}`;
      const known = this.#drawn.get(key);
      const node: HTMLElement = known?.item === item ? known.node : drawItem(item);
      if (known && known.node !== node) {
        if (known.node.hasAttribute("open")) node.setAttribute("open", "");
        known.node.replaceWith(node);
      }
      if (node.previousElementSibling !== last || node.parentElement === null) {
        if (last) last.after(node);
        else this.#log.prepend(node);
      }
      drawn.set(key, { item, node });
      last = node;
    }
    for (const [key, { node }] of this.#drawn) if (!drawn.has(key)) node.remove();
    this.#drawn = drawn;
    const welcome = this.#log.querySelector(".welcome");
    if (shown.length > 0 || busy) welcome?.remove();
    else if (!welcome) this.#log.append(this.#drawWelcome());
  }

  #drawWelcome(): HTMLElement {
    const examples = words.examples.map((text) =>
      element("button", { type: "button", class: "quiet", click: () => this.#actions.send(text) }, text),
    );
    return element("div", { class: "welcome" }, element("p", {}, words.welcome), ...examples);
  }

  /** What stands below the conversation: what is going on, a question, what came out. */
  #drawFoot(view: ThreadView, before: ThreadView | null): void {
    const { conversation, problem, connected, busy } = view;
    const asked = !busy && conversation.interrupts.length > 0;
    // A form that is being filled in is left alone.
    const isSame = before?.conversation.interrupts === conversation.interrupts && before.busy === busy;
    if (asked && isSame && before.problem === problem) return;
    const previews = conversation.state.sandbox.previews.map(({ port, url }) =>
      element("p", { class: "preview" }, `${words.preview} ${port}: `, link(url, url)),
    );
    this.#foot.replaceChildren(...previews, ...describeState(view).map((line) => element("p", {}, line)));
    if (!connected) this.#foot.append(element("p", { class: "problem" }, words.reconnecting));
    if (problem !== null) this.#foot.append(element("p", { class: "problem", role: "alert" }, problem));
    if (asked) this.#foot.append(this.#drawForm(conversation));
  }

  #drawForm(conversation: Conversation): HTMLElement {
    const { interrupts } = conversation;
    if (this.#form?.interrupts !== interrupts) {
      this.#form = { interrupts, node: drawQuestions(conversation, this.#actions.answer) };
    }
    return this.#form.node;
  }
}

function describeState({ conversation: { run, notice }, busy }: ThreadView): string[] {
  const unfinished = run.unfinished > 0 ? [words.unfinished(run.unfinished)] : [];
  switch (run.state) {
    case "waiting":
      return [words.waiting];
    case "running":
      return busy ? [notice ?? words.working] : [];
    case "completed":
      return unfinished;
    case "cancelled":
      return [words.cancelled, ...unfinished];
    case "failed":
      return [`${words.failed}: ${run.error ?? ""}`, ...unfinished];
    default:
      return [];
  }
}
