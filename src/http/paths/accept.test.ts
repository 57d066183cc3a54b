import { expect, it } from "vitest";
import { namesType } from "./accept.ts";

it.each([
  ["text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", true],
  ["application/json, TEXT/HTML ; q=0.1", true],
  ["*/*", false],
  ["text/*", false],
  ["text/html;q=0", false],
  ["text/html;q=0.000, application/json", false],
  ["", false],
  [null, false],
  [undefined, false],
])("whether %s names HTML is %s", (accept, names) => expect(namesType(accept, "text/html")).toBe(names));
