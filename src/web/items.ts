// The rows of a conversation as elements.
import type { Item } from "./client/conversation.ts";
import { describeCall } from "./client/tool-title.ts";
import { element, link } from "./element.ts";
import { type Piece, readProse } from "./prose.ts";
import { words } from "./words.ts";

export function drawItem(item: Item): HTMLElement {
  switch (item.kind) {
    case "user":
      return element("div", { class: "said" }, item.text);
    case "text":
      return element("div", { class: item.open ? "answer open" : "answer" }, ...readProse(item.text).map(drawPiece));
    case "reasoning":
      return element(
        "details",
        { class: "thoughts" },
        element("summary", {}, words.thinking),
        element("div", {}, item.text),
      );
    case "tool":
      return drawCall(item);
  }
}

function drawPiece(piece: Piece): Node {
  switch (piece.kind) {
    case "text":
      return document.createTextNode(piece.text);
    case "bold":
      return element("strong", {}, piece.text);
    case "code":
      return element("code", {}, piece.text);
    case "block":
      return element("pre", {}, piece.text);
    case "link":
      return link(piece.url, piece.text);
  }
}

function drawCall(item: Extract<Item, { kind: "tool" }>): HTMLElement {
  const { verb, subject } = describeCall(item.name, item.arguments);
  const isCommand = item.name === "execute_command";
  const title = element(
    "summary",
    {},
    element("span", { class: "verb" }, isCommand ? "$" : verb),
    element("span", { class: "subject" }, subject),
  );
  const shown = item.result ?? item.output;
  const row = element("details", { class: item.open ? "call open" : "call" }, title);
  if (shown !== "") row.append(element("pre", {}, shown));
  return row;
}
