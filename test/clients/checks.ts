// What a person does with a chat, client by client. A check fails by throwing; what it says becomes the table's cell.
import type { Page } from "playwright-core";
import type { Stage } from "./stage.ts";

export interface Chat {
  name: string;
  address(stage: Stage, thread: string, leaves: boolean): string;
  send(page: Page, text: string): Promise<void>;
  stop(page: Page): Promise<void>;
  /** Asks the last message again. */
  regenerate(page: Page): Promise<void>;
  /** Changes the person's first message and sends it. */
  edit(page: Page, text: string): Promise<void>;
}

export interface Check {
  name: string;
  /** The run is to end when its readers have left. */
  leaves?: boolean;
  run(context: { stage: Stage; chat: Chat; page: Page; thread: string; api: ThreadApi }): Promise<void>;
}

export interface ThreadApi {
  runs(): Promise<{ status: string }[]>;
  texts(type: string): Promise<string[]>;
}

/** Longer than a run goes on after its reader has left. */
const WAIT_MS = 30_000;

export async function shows(page: Page, text: string): Promise<void> {
  await page.getByText(text, { exact: false }).last().waitFor({ timeout: WAIT_MS });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${WAIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function expectGone(page: Page, text: string): Promise<void> {
  await until(`"${text}" still stands`, async () => (await page.getByText(text).count()) === 0);
}

export const checks: Check[] = [
  {
    name: "two turns",
    run: async ({ chat, page, stage, api }) => {
      await chat.send(page, "Hello");
      await shows(page, "Reply 1 to: Hello");
      await chat.send(page, "Goodbye");
      await shows(page, "Reply 1 to: Goodbye");
      if (stage.model.asked.length !== 2) throw new Error(`the model was sent ${stage.model.asked.length} messages`);
      const runs = await api.runs();
      if (runs.length !== 2) throw new Error(`${runs.length} runs instead of 2`);
    },
  },
  {
    name: "a tool of the page",
    run: async ({ chat, page }) => {
      await chat.send(page, "Which colour do I like?");
      await shows(page, "The tool said: turquoise");
    },
  },
  {
    name: "the plan as shared state",
    run: async ({ chat, page }) => {
      await chat.send(page, "Make a plan");
      await until("the plan is not in the state", async () =>
        ((await page.getByTestId("plan").textContent()) ?? "").includes("Test the cart"),
      );
    },
  },
  {
    name: "a question, answered",
    run: async ({ chat, page, api }) => {
      await chat.send(page, "Have you a question?");
      await page.getByTestId("answer").click({ timeout: WAIT_MS });
      await shows(page, "The tool said:");
      await until("the question still stands", async () => (await page.getByTestId("question").count()) === 0);
      await until("a run is not completed", async () =>
        (await api.runs()).some(({ status }) => status === "completed"),
      );
    },
  },
  {
    name: "stop",
    leaves: true,
    run: async ({ chat, page, stage, api }) => {
      await chat.send(page, "Speak slow");
      await shows(page, "word word");
      await chat.stop(page);
      await until("the model still writes", () => stage.model.writing === 0);
      await until("the run goes on", async () => (await api.runs()).every(({ status }) => status === "cancelled"));
      await chat.send(page, "Hello again");
      await shows(page, "Reply 1 to: Hello again");
    },
  },
  {
    name: "regenerate",
    run: async ({ chat, page, stage, api }) => {
      await chat.send(page, "Once more");
      await shows(page, "Reply 1 to: Once more");
      await chat.regenerate(page);
      await shows(page, "Reply 2 to: Once more");
      if (stage.model.asked.length !== 1) throw new Error("the model was sent the former turn, too");
      const replies = await api.texts("assistant");
      if (replies.length !== 1) throw new Error(`the thread has ${replies.length} replies`);
    },
  },
  {
    name: "edit",
    run: async ({ chat, page, stage, api }) => {
      await chat.send(page, "First words");
      await shows(page, "Reply 1 to: First words");
      await chat.send(page, "More words");
      await shows(page, "Reply 1 to: More words");
      await chat.edit(page, "Better words");
      await shows(page, "Reply 1 to: Better words");
      if (stage.model.asked.length !== 1) throw new Error("the model was sent what had been replaced, too");
      const asked = await api.texts("user");
      if (asked.join() !== "Better words") throw new Error(`the thread has ${asked.join(", ")}`);
      await expectGone(page, "Reply 1 to: More words");
    },
  },
  {
    name: "reload",
    run: async ({ chat, page, api }) => {
      await chat.send(page, "Remember me");
      await shows(page, "Reply 1 to: Remember me");
      await page.reload();
      await shows(page, "Reply 1 to: Remember me");
      await chat.send(page, "And now?");
      await shows(page, "Reply 1 to: And now?");
      const asked = await api.texts("user");
      if (asked.length !== 2) throw new Error(`the thread has ${asked.length} messages of the person`);
    },
  },
  {
    name: "reload amid a reply",
    run: async ({ chat, page, api }) => {
      await chat.send(page, "Speak slow");
      await shows(page, "word word");
      await page.reload();
      await shows(page, "word word");
      const runs = await api.runs();
      if (runs.length !== 1) throw new Error(`${runs.length} runs instead of 1`);
    },
  },
];
