/**
 * Validates Block Kit against its reference: types, required fields and lengths of what our app may send. A block or
 * element of an unlisted type is rejected, so that it is added here before the app relies on it.
 */
import { SlackError } from "./errors.ts";
import type { Json } from "./json.ts";

export interface Surface {
  surface: "message" | "view";
  max: number;
}

/**
 * The sum over a message's blocks as JSON. Not documented; Slack responds with an error from about 13,200 characters
 * on.
 */
const maxAllBlocks = 13_000;
const maxMarkdownBlocks = 12_000;

type Check = (value: Json, path: string, problems: Problems) => void;

class Problems {
  readonly found: string[] = [];
  add(message: string, path: string): void {
    this.found.push(`${message} [json-pointer:${path}]`);
  }
}

/** Returns the blocks, or throws `invalid_blocks` with the problems in Slack's words. */
export function checkBlocks(value: unknown, { surface, max }: Surface): Json[] {
  const problems = findProblems(value, { surface, max });
  if (problems.length > 0)
    throw new SlackError(Array.isArray(value) ? "invalid_blocks" : "invalid_blocks_format", problems, {
      errors: problems,
    });
  const blocks = value as Json[];
  if (surface === "message" && JSON.stringify(blocks).length > maxAllBlocks)
    throw new SlackError("msg_blocks_too_long");
  return blocks;
}

export function findProblems(value: unknown, { surface, max }: Surface): string[] {
  const problems = new Problems();
  if (!Array.isArray(value)) return ["blocks must be an array"];
  if (value.length > max) problems.add(`no more than ${max} items allowed`, "/blocks");
  const ids = new Set<string>();
  let markdown = 0;
  value.forEach((block: unknown, index) => {
    const path = `/blocks/${index}`;
    if (!isObject(block)) {
      problems.add("must be an object", path);
      return;
    }
    const check = blockChecks[String(block.type)];
    if (!check) {
      problems.add(`unsupported type: ${String(block.type)}`, path);
      return;
    }
    if (block.block_id !== undefined) {
      checkText(block.block_id, 255, `${path}/block_id`, problems);
      if (ids.has(String(block.block_id))) problems.add("block_id is not unique", path);
      ids.add(String(block.block_id));
    }
    if (surface === "view" && block.type === "markdown") problems.add("unsupported type: markdown", path);
    if (block.type === "markdown" && typeof block.text === "string") markdown += block.text.length;
    check(block, path, problems);
  });
  if (markdown > maxMarkdownBlocks) problems.add(`no more than ${maxMarkdownBlocks} characters of markdown`, "/blocks");
  return problems.found;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkText(value: unknown, max: number, path: string, problems: Problems, min = 1): void {
  if (typeof value !== "string") problems.add("must be a string", path);
  else if (value.length < min) problems.add(`must be more than ${min - 1} characters`, path);
  else if (value.length > max) problems.add(`must be less than ${max + 1} characters`, path);
}

function checkTextObject(value: unknown, max: number, path: string, problems: Problems, plainOnly = false): void {
  if (!isObject(value)) {
    problems.add("missing required field: text", path);
    return;
  }
  if (value.type !== "plain_text" && (plainOnly || value.type !== "mrkdwn"))
    problems.add(`unsupported text type: ${String(value.type)}`, path);
  allow(value, ["type", "text", ...(value.type === "plain_text" ? ["emoji"] : ["verbatim"])], path, problems);
  checkText(value.text, max, `${path}/text`, problems);
}

function allow(value: Json, names: string[], path: string, problems: Problems): void {
  for (const name of Object.keys(value))
    if (!names.includes(name)) problems.add(`no more fields allowed: ${name}`, path);
}

function checkList(value: unknown, max: number, path: string, problems: Problems, check: Check): void {
  if (!Array.isArray(value)) {
    problems.add("must be an array", path);
    return;
  }
  if (value.length < 1) problems.add("must have at least 1 item", path);
  if (value.length > max) problems.add(`no more than ${max} items allowed`, path);
  value.forEach((item: unknown, index) => {
    if (isObject(item)) check(item, `${path}/${index}`, problems);
    else problems.add("must be an object", `${path}/${index}`);
  });
}

function checkOption(value: Json, path: string, problems: Problems): void {
  allow(value, ["text", "value", "description", "url"], path, problems);
  checkTextObject(value.text, 75, `${path}/text`, problems);
  checkText(value.value, 150, `${path}/value`, problems);
  if (value.description !== undefined) checkTextObject(value.description, 75, `${path}/description`, problems);
}

function checkConfirm(value: unknown, path: string, problems: Problems): void {
  if (!isObject(value)) {
    problems.add("must be an object", path);
    return;
  }
  allow(value, ["title", "text", "confirm", "deny", "style"], path, problems);
  checkTextObject(value.title, 100, `${path}/title`, problems, true);
  checkTextObject(value.text, 300, `${path}/text`, problems);
  checkTextObject(value.confirm, 30, `${path}/confirm`, problems, true);
  checkTextObject(value.deny, 30, `${path}/deny`, problems, true);
}

function checkElement(value: Json, path: string, problems: Problems): void {
  const fields = elementFields[String(value.type)];
  if (!fields) {
    problems.add(`unsupported type: ${String(value.type)}`, path);
    return;
  }
  allow(value, ["type", "action_id", "confirm", "focus_on_load", ...fields], path, problems);
  if (value.action_id !== undefined) checkText(value.action_id, 255, `${path}/action_id`, problems);
  if (value.confirm !== undefined) checkConfirm(value.confirm, `${path}/confirm`, problems);
  if (value.placeholder !== undefined) checkTextObject(value.placeholder, 150, `${path}/placeholder`, problems, true);
  if (value.type === "button") checkButton(value, path, problems);
  if (fields.includes("options")) {
    const max = /radio|checkboxes/.test(String(value.type)) ? 10 : value.type === "overflow" ? 5 : 100;
    checkList(value.options, max, `${path}/options`, problems, checkOption);
  }
  if (value.initial_value !== undefined) checkText(value.initial_value, 3000, `${path}/initial_value`, problems, 0);
  const { max_length: longest } = value;
  if (longest !== undefined && !(typeof longest === "number" && longest >= 1 && longest <= 3000))
    problems.add("must be a number from 1 to 3000", `${path}/max_length`);
}

function checkButton(value: Json, path: string, problems: Problems): void {
  checkTextObject(value.text, 75, `${path}/text`, problems, true);
  if (value.value !== undefined) checkText(value.value, 2000, `${path}/value`, problems);
  if (value.url !== undefined) checkText(value.url, 3000, `${path}/url`, problems);
  if (value.style !== undefined && value.style !== "primary" && value.style !== "danger")
    problems.add("style must be primary or danger", `${path}/style`);
  if (value.accessibility_label !== undefined)
    checkText(value.accessibility_label, 75, `${path}/accessibility_label`, problems);
}

const elementFields: Record<string, string[]> = {
  button: ["text", "value", "url", "style", "accessibility_label"],
  plain_text_input: ["initial_value", "multiline", "min_length", "max_length", "placeholder", "dispatch_action_config"],
  static_select: ["placeholder", "options", "initial_option"],
  multi_static_select: ["placeholder", "options", "initial_options", "max_selected_items"],
  radio_buttons: ["options", "initial_option"],
  checkboxes: ["options", "initial_options"],
  overflow: ["options"],
  datepicker: ["initial_date", "placeholder"],
};

/** The elements that an `actions` block may contain. */
const actionTypes = [
  "button",
  "static_select",
  "multi_static_select",
  "overflow",
  "radio_buttons",
  "checkboxes",
  "datepicker",
];

function checkActions(block: Json, path: string, problems: Problems): void {
  allow(block, ["type", "block_id", "elements"], path, problems);
  const ids = new Set<string>();
  checkList(block.elements, 25, `${path}/elements`, problems, (element, at) => {
    if (!actionTypes.includes(String(element.type))) problems.add(`unsupported type: ${String(element.type)}`, at);
    else checkElement(element, at, problems);
    if (typeof element.action_id !== "string") return;
    if (ids.has(element.action_id)) problems.add("action_id is not unique in the block", at);
    ids.add(element.action_id);
  });
}

function checkSection(block: Json, path: string, problems: Problems): void {
  allow(block, ["type", "block_id", "text", "fields", "accessory", "expand"], path, problems);
  if (block.text === undefined && block.fields === undefined) problems.add("missing required field: text", path);
  if (block.text !== undefined) checkTextObject(block.text, 3000, `${path}/text`, problems);
  if (block.fields !== undefined)
    checkList(block.fields, 10, `${path}/fields`, problems, (field, at) => checkTextObject(field, 2000, at, problems));
  if (isObject(block.accessory)) {
    if (block.accessory.type === "image") checkImage(block.accessory, `${path}/accessory`, problems);
    else checkElement(block.accessory, `${path}/accessory`, problems);
  }
}

function checkImage(block: Json, path: string, problems: Problems): void {
  allow(block, ["type", "block_id", "image_url", "alt_text", "title"], path, problems);
  checkText(block.image_url, 3000, `${path}/image_url`, problems);
  checkText(block.alt_text, 2000, `${path}/alt_text`, problems);
}

function checkInput(block: Json, path: string, problems: Problems): void {
  allow(block, ["type", "block_id", "label", "element", "hint", "optional", "dispatch_action"], path, problems);
  checkTextObject(block.label, 2000, `${path}/label`, problems, true);
  if (block.hint !== undefined) checkTextObject(block.hint, 2000, `${path}/hint`, problems, true);
  if (isObject(block.element) && block.element.type !== "button")
    checkElement(block.element, `${path}/element`, problems);
  else problems.add("missing required field: element", path);
}

function checkTaskCard(block: Json, path: string, problems: Problems): void {
  allow(block, ["type", "block_id", "task_id", "title", "status", "details", "output", "sources"], path, problems);
  checkText(block.task_id, 255, `${path}/task_id`, problems);
  checkText(block.title, 256, `${path}/title`, problems);
}

const blockChecks: Record<string, Check> = {
  section: checkSection,
  actions: checkActions,
  image: checkImage,
  input: checkInput,
  task_card: checkTaskCard,
  divider: (block, path, problems) => allow(block, ["type", "block_id"], path, problems),
  header: (block, path, problems) => {
    allow(block, ["type", "block_id", "text"], path, problems);
    checkTextObject(block.text, 150, `${path}/text`, problems, true);
  },
  markdown: (block, path, problems) => {
    allow(block, ["type", "block_id", "text"], path, problems);
    checkText(block.text, maxMarkdownBlocks, `${path}/text`, problems);
  },
  context: (block, path, problems) => {
    allow(block, ["type", "block_id", "elements"], path, problems);
    checkList(block.elements, 10, `${path}/elements`, problems, (element, at) => {
      if (element.type === "image") checkImage(element, at, problems);
      else checkTextObject(element, 3000, at, problems);
    });
  },
  plan: (block, path, problems) => {
    allow(block, ["type", "block_id", "title", "tasks"], path, problems);
    checkText(block.title, 256, `${path}/title`, problems);
    if (block.tasks !== undefined) checkList(block.tasks, 50, `${path}/tasks`, problems, checkTaskCard);
  },
  rich_text: (block, path, problems) => {
    allow(block, ["type", "block_id", "elements"], path, problems);
    checkList(block.elements, 1000, `${path}/elements`, problems, () => undefined);
  },
};
