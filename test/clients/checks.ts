// What a person does with a chat, client by client. A check fails by throwing; what it says becomes the table's cell.
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Stage, Wishes } from "./stage.ts";

export interface Chat {
  name: string;
  /** By the name of a check: what in the client prevents it. */
  prevented?: Record<string, string>;
  address(stage: Stage, thread: string, wishes: Wishes): string;
  send(page: Page, text: string): Promise<void>;
  /** The same with the keyboard, also while a run is at work. */
  press(page: Page, text: string): Promise<void>;
  stop(page: Page): Promise<void>;
  /** Resolves once the client shows that nothing runs. */
  idle(page: Page): Promise<void>;
  /** Asks the last message again. */
  regenerate(page: Page): Promise<void>;
  /** Changes the person's first message and sends it. */
  edit(page: Page, text: string): Promise<void>;
}

export interface Check extends Wishes {
  name: string;
  run(play: Play): Promise<void>;
}

export interface Play {
  stage: Stage;
  chat: Chat;
  page: Page;
  thread: string;
  api: ThreadApi;
}

export interface ThreadApi {
  runs(): Promise<{ status: string }[]>;
  texts(type: string): Promise<string[]>;
}

/** Longer than a run continues after its reader has left. */
const WAIT_MS = 30_000;

async function shows(page: Page, text: string): Promise<void> {
  const isShown = page.getByText(text, { exact: false }).last().waitFor({ timeout: WAIT_MS });
  await isShown.catch(() => Promise.reject(new Error(`"${text}" is not shown`)));
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

/** A browser of somebody's, which reaches this machine only. */
export async function openContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext();
  await context.route(
    ({ hostname }) => hostname !== "127.0.0.1",
    (route) => route.abort(),
  );
  return context;
}

/** Says something, and waits for the whole turn. */
async function say({ chat, page }: Play, text: string, answer: string): Promise<void> {
  await chat.send(page, text);
  await shows(page, answer);
  await chat.idle(page);
}

async function showsPlan(page: Page): Promise<void> {
  await until("the plan is not in the state", async () =>
    ((await page.getByTestId("plan").textContent()) ?? "").includes("Test the cart"),
  );
}

function expectAsked({ stage }: Play, texts: string[]): void {
  const asked = stage.model.asked.join(", ");
  if (asked !== texts.join(", ")) throw new Error(`the model was sent: ${asked}`);
}

async function expectThread({ api }: Play, type: string, texts: string[]): Promise<void> {
  const has = (await api.texts(type)).join(", ");
  if (has !== texts.join(", ")) throw new Error(`the thread has of type ${type}: ${has}`);
}

async function expectRuns({ api }: Play, statuses: string[]): Promise<void> {
  await until(`the runs are not ${statuses.join(", ")}`, async () => {
    const runs = await api.runs();
    return runs.map(({ status }) => status).join() === statuses.join();
  });
}

export const checks: Check[] = [
  {
    name: "two turns",
    run: async (play) => {
      await say(play, "Hello", "Reply 1 to: Hello");
      await say(play, "Goodbye", "Reply 1 to: Goodbye");
      expectAsked(play, ["Hello", "Goodbye"]);
      await expectRuns(play, ["completed", "completed"]);
    },
  },
  {
    name: "a tool of the page",
    run: async (play) => {
      await say(play, "Which colour do I like?", "The tool said: turquoise");
      await say(play, "Thank you", "Reply 1 to: Thank you");
      await expectRuns(play, ["completed", "completed", "completed"]);
    },
  },
  {
    name: "the plan as shared state",
    run: async (play) => {
      const { page } = play;
      await say(play, "Make a plan", "The tool said:");
      await showsPlan(page);
      await page.reload();
      await showsPlan(page);
    },
  },
  ...(["answered", "cancelled"] as const).map(
    (how): Check => ({
      name: `a question, ${how}`,
      run: async (play) => {
        const { chat, page } = play;
        await chat.send(page, "Have you a question?");
        await page.getByTestId(how === "answered" ? "answer" : "decline").click({ timeout: WAIT_MS });
        await shows(page, how === "answered" ? "The tool said: blue" : "The tool said:");
        await chat.idle(page);
        await until("the question still stands", async () => (await page.getByTestId("question").count()) === 0);
        await expectRuns(play, ["completed", "interrupted"]);
        await say(play, "Thank you", "Reply 1 to: Thank you");
      },
    }),
  ),
  {
    name: "a plan, approved",
    approves: true,
    run: async (play) => {
      const { chat, page } = play;
      await chat.send(page, "Make a plan");
      await page.getByTestId("approve").click({ timeout: WAIT_MS });
      await shows(page, "The tool said:");
      await chat.idle(page);
      await showsPlan(page);
      await expectRuns(play, ["completed", "interrupted"]);
    },
  },
  {
    name: "stop",
    leaves: true,
    run: async (play) => {
      const { chat, page, stage } = play;
      await chat.send(page, "Speak slow");
      await shows(page, "word word");
      await chat.stop(page);
      await chat.idle(page);
      await until("the model still writes", () => stage.model.writing === 0);
      await expectRuns(play, ["cancelled"]);
      await say(play, "Hello again", "Reply 1 to: Hello again");
    },
  },
  {
    name: "a message during a reply",
    run: async (play) => {
      const { chat, page } = play;
      await chat.send(page, "Be brief");
      await shows(page, "word word");
      await chat.press(page, "Hello");
      await shows(page, "Reply 1 to: Hello");
      expectAsked(play, ["Be brief", "Hello"]);
      await expectRuns(play, ["completed", "completed"]);
    },
  },
  {
    name: "regenerate",
    run: async (play) => {
      const { chat, page } = play;
      await say(play, "Once more", "Reply 1 to: Once more");
      await chat.regenerate(page);
      await shows(page, "Reply 2 to: Once more");
      await chat.idle(page);
      await expectGone(page, "Reply 1 to: Once more");
      expectAsked(play, ["Once more"]);
      await expectThread(play, "assistant", ["Reply 2 to: Once more"]);
      await say(play, "And on", "Reply 1 to: And on");
      expectAsked(play, ["Once more", "And on"]);
    },
  },
  {
    name: "edit",
    run: async (play) => {
      const { chat, page } = play;
      await say(play, "First words", "Reply 1 to: First words");
      await say(play, "More words", "Reply 1 to: More words");
      await chat.edit(page, "Better words");
      await shows(page, "Reply 1 to: Better words");
      await chat.idle(page);
      expectAsked(play, ["Better words"]);
      await expectThread(play, "user", ["Better words"]);
      await expectGone(page, "Reply 1 to: More words");
      await say(play, "And on", "Reply 1 to: And on");
      expectAsked(play, ["Better words", "And on"]);
    },
  },
  {
    name: "reload",
    run: async (play) => {
      const { page } = play;
      await say(play, "Remember me", "Reply 1 to: Remember me");
      await page.reload();
      await shows(page, "Reply 1 to: Remember me");
      await say(play, "And now?", "Reply 1 to: And now?");
      await expectThread(play, "user", ["Remember me", "And now?"]);
    },
  },
  {
    name: "reload during a reply",
    leaves: true,
    run: async (play) => {
      const { chat, page } = play;
      const words = async () => ((await page.locator("body").textContent()) ?? "").split("word").length;
      await chat.send(page, "Speak slow");
      await shows(page, "word word");
      await page.reload();
      await shows(page, "word word");
      const shown = await words();
      await until("the reply does not go on", async () => (await words()) > shown);
      await expectRuns(play, ["running"]);
      await chat.stop(page);
      await expectRuns(play, ["cancelled"]);
    },
  },
  {
    name: "reload at a question",
    run: async (play) => {
      const { chat, page } = play;
      await chat.send(page, "Have you a question?");
      await page.getByTestId("question").waitFor({ timeout: WAIT_MS });
      await chat.idle(page);
      await page.reload();
      await page.getByTestId("answer").click({ timeout: WAIT_MS });
      await shows(page, "The tool said: blue");
      await expectRuns(play, ["completed", "interrupted"]);
    },
  },
  {
    name: "another browser",
    run: async (play) => {
      const { chat, page, stage, thread } = play;
      await say(play, "From here", "Reply 1 to: From here");
      const other = await openContext(stage.browser);
      try {
        const there = { ...play, page: await other.newPage() };
        await there.page.goto(chat.address(stage, thread, {}));
        await shows(there.page, "Reply 1 to: From here");
        await say(there, "From there", "Reply 1 to: From there");
        expectAsked(play, ["From here", "From there"]);
      } finally {
        await other.close();
      }
      await page.reload();
      await shows(page, "Reply 1 to: From there");
    },
  },
  {
    name: "reload after an edit",
    run: async (play) => {
      const { chat, page } = play;
      await say(play, "First words", "Reply 1 to: First words");
      await chat.edit(page, "Better words");
      await shows(page, "Reply 1 to: Better words");
      await chat.idle(page);
      await page.reload();
      await shows(page, "Reply 1 to: Better words");
      await expectGone(page, "Reply 1 to: First words");
    },
  },
];
