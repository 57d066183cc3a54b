// `npm run clients`: unmodified clients of others in a browser, on a server as people start it. Prints a table and ends
// with 1 where a check failed. `-- --only assistant-ui`, `-- --check stop`.
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { installPackages } from "../../scripts/install-packages.ts";
import { assistantUi, copilotKit, copilotKitOfThreads } from "./chats.ts";
import { type Chat, type Check, checks, openContext, type ThreadApi } from "./checks.ts";
import type { Stage } from "./stage.ts";

const { values } = parseArgs({ options: { only: { type: "string" }, check: { type: "string" } } });
const chats = [assistantUi, copilotKit, copilotKitOfThreads].filter(
  ({ name }) => values.only === undefined || name === values.only,
);
const chosen = checks.filter(({ name }) => values.check === undefined || name.includes(values.check));

function apiOf({ server }: Stage, thread: string): ThreadApi {
  const read = async <T>(path: string): Promise<T[]> => {
    const headers = { authorization: `Bearer ${server.key}` };
    const response = await fetch(`${server.url}/v1/threads/${thread}/${path}`, { headers });
    if (!response.ok) throw new Error(`${path} is ${response.status}`);
    return ((await response.json()) as { data: T[] }).data;
  };
  return {
    runs: () => read("runs"),
    texts: async (type) => {
      const rows = await read<{ content: { content: unknown } }>(`messages?type=${type}`);
      return rows.map(({ content }) =>
        typeof content.content === "string" ? content.content : JSON.stringify(content.content),
      );
    },
  };
}

async function play(stage: Stage, chat: Chat, check: Check): Promise<string | null> {
  const thread = `c-${crypto.randomUUID().slice(0, 12)}`;
  const context = await openContext(stage.browser);
  const page: Page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  stage.model.forget();
  try {
    await page.goto(chat.address(stage, thread, check));
    await check.run({ stage, chat, page, thread, api: apiOf(stage, thread) });
    return null;
  } catch (error) {
    console.error(`${check.name}, ${chat.name}:\n${await page.locator("body").textContent()}`);
    const text = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return [text, ...complaints.slice(0, 1)].join("; ");
  } finally {
    await context.close();
  }
}

/** What a client is known to prevent is no failure here, and one day a client may be better. */
function judge(complaint: string | null, prevented: string | undefined): string {
  if (prevented === undefined) return complaint ?? "yes";
  return complaint === null ? "WORKS NOW, take it out of what is prevented" : `no: ${prevented}`;
}

// CopilotKit's runtime would report to its maker.
process.env.COPILOTKIT_TELEMETRY_DISABLED = "true";
await installPackages(import.meta.dirname);
const { openStage } = await import("./stage.ts");
const stage = await openStage();
try {
  const rows: string[][] = [];
  for (const check of chosen) {
    const cells: string[] = [];
    for (const chat of chats) cells.push(judge(await play(stage, chat, check), chat.prevented?.[check.name]));
    rows.push([check.name, ...cells]);
    console.log(`${check.name}: ${cells.join(" | ")}`);
  }
  const lines = [["", ...chats.map(({ name }) => name)], ["---", ...chats.map(() => "---")], ...rows];
  console.log(`\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`);
  process.exitCode = rows.every((cells) => cells.slice(1).every((cell) => /^(yes|no): /.test(`${cell}: `))) ? 0 : 1;
} finally {
  await stage.close();
}
