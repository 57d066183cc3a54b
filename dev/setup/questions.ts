// What setup asks a person for, one setting after another. A key is checked right after it was typed, and asked for again
// if its server refuses it.
import { Failure } from "../deploy/failure.ts";
import type { Settings } from "../deploy/secrets.ts";
import { type Check, checkKeys } from "./checks.ts";
import type { Terminal } from "./terminal.ts";

interface Question {
  setting: string;
  prompt: string;
  isSecret?: boolean;
  /** What an empty answer means; without it, the setting is needed. */
  otherwise?: string;
  /** Only then is it asked for. */
  when?(settings: Settings): boolean;
}

const hasModel = ({ MODEL_SERVERS, OPENAI_API_KEY }: Settings): boolean => Boolean(MODEL_SERVERS || OPENAI_API_KEY);

const groups: Question[][] = [
  [
    {
      setting: "OPENAI_BASE_URL",
      prompt: "Address of the model's server",
      otherwise: "https://api.openai.com/v1",
      when: (settings) => !hasModel(settings),
    },
    { setting: "OPENAI_API_KEY", prompt: "Its key", isSecret: true, when: (settings) => !hasModel(settings) },
    {
      setting: "OPENAI_MODEL",
      prompt: "Model",
      otherwise: "gpt-5",
      when: ({ OPENAI_API_KEY }) => Boolean(OPENAI_API_KEY),
    },
  ],
  [
    {
      setting: "DAYTONA_API_URL",
      prompt: "Address of Daytona",
      otherwise: "https://app.daytona.io/api",
      when: ({ DAYTONA_API_KEY }) => !DAYTONA_API_KEY,
    },
    { setting: "DAYTONA_API_KEY", prompt: "Its key", isSecret: true },
  ],
  [
    {
      setting: "TAVILY_API_KEY",
      prompt: "Key of Tavily, to search the web (Enter: no search, or another one later)",
      isSecret: true,
      otherwise: "",
      when: (settings) =>
        !["BRAVE", "EXA", "SERPER", "BOCHA"].some((name) => settings[`${name}_API_KEY`]) && !settings.SEARXNG_URL,
    },
  ],
];

/** Nobody mistypes a key that often; a server that refuses every one is wrong itself. */
const MAX_ATTEMPTS = 5;

/** Adds to the settings what is missing. `isChecked`: false takes each answer as it is. */
export async function askForMissing(
  settings: Settings,
  terminal: Terminal,
  isChecked: boolean,
  check: typeof checkKeys = checkKeys,
): Promise<void> {
  for (const group of groups) {
    for (let attempt = 1; ; attempt += 1) {
      const asked = await askGroup(group, settings, terminal);
      const wrong = asked.length === 0 || !isChecked ? null : findWrong(await check(settings), group);
      if (wrong === null) break;
      if (attempt === MAX_ATTEMPTS)
        throw new Failure(`${wrong.name}: ${wrong.text}`, "Look at the key and the address.");
      terminal.say(`  ✗ ${wrong.text}`);
      for (const name of asked) delete settings[name];
    }
  }
}

async function askGroup(group: Question[], settings: Settings, terminal: Terminal): Promise<string[]> {
  const asked: string[] = [];
  // The conditions look at what was given before, not at what the group itself has asked for.
  const wanted = group.filter(({ setting, when }) => !settings[setting] && (when?.(settings) ?? true));
  for (const question of [...wanted, ...group.filter((each) => !wanted.includes(each))]) {
    const { setting, prompt, isSecret = false, otherwise, when } = question;
    if (settings[setting] || (!wanted.includes(question) && !(when?.(settings) ?? true))) continue;
    const text = await terminal.ask(`  ${prompt}${otherwise ? ` [${otherwise}]` : ""}: `, { isSecret });
    if (text === null)
      throw new Failure("the input ended before all was asked", "Run it again, or give settings by --set-file.");
    if (text !== "") settings[setting] = text;
    else if (otherwise === undefined) terminal.say(`  ${setting} is needed: without it, runs fail.`);
    asked.push(setting);
  }
  return asked;
}

function findWrong(checks: Check[], group: Question[]): Check | null {
  const names = group.map(({ setting }) => setting);
  return (
    checks.find(({ setting, outcome }) => names.includes(setting) && ["refused", "unreachable"].includes(outcome)) ??
    null
  );
}
