import fc from "fast-check";
import { lexer, type Token } from "marked";
import { describe, expect, it } from "vitest";
import { makeReceipt } from "../../../../test/fakes/receipts.ts";
import { checkOf, hostileReport, hostileTexts, makeTask, reportOf } from "../../../../test/fakes/run-report.ts";
import { writeMarkdown } from "./markdown.ts";
import { toPlain } from "./plain.ts";

/** All of it, inner ones after outer ones. */
function tokensOf(tokens: Token[]): Token[] {
  return tokens.flatMap((token) => {
    const inner = "tokens" in token ? (token.tokens ?? []) : [];
    const items = token.type === "list" ? (token.items as Token[]) : [];
    return [token, ...tokensOf(inner), ...tokensOf(items)];
  });
}

const blocksOf = (text: string) =>
  lexer(text).flatMap((token) => (token.type === "code" ? [token.text as string] : []));

/** How a document is built, whatever its texts say. */
const outlineOf = (text: string) =>
  tokensOf(lexer(text))
    .map(({ type }) => type)
    .filter((type) => type !== "space" && type !== "text");

describe("the Markdown document of a run", () => {
  it("says of each task and check what was seen, each time it ran", () => {
    const first = makeReceipt({ outcome: "failed", receipt_id: "rcpt_0", reason: "1 failed.", exit_code: 1 });
    const passed = makeReceipt({ output_head: "x", output_tail: "12 passed" });
    const tasks = [
      makeTask("task_1", [checkOf("chk_1", passed)]),
      makeTask("task_2", [checkOf("chk_2")], { status: "in_progress" }),
    ];
    expect(writeMarkdown(reportOf(tasks, [first, passed], false))).toBe(`# Receipts of the run \`inv_a\`

- Thread: \`thread-001\`
- Status: completed, 2026-11-25T10:05:00.000Z
- Tasks with checks as it ended: 1 verified, 2 failed
- The oldest receipts of the run may be missing.

## \`Do task_1\`

\`task_1\`: completed, **verified**

### Passed: \`\` \`npm test\` exits with 0 \`\`

Written by a person (\`chk_1\`).

- Failed: \`1 failed.\`
- 2026-11-25T10:00:00.000Z · 1.2 s · exit code 1 (\`rcpt_0\`)
- Files: \`${"b".repeat(64)}\`
- Output: 10 bytes, SHA-256 \`${"a".repeat(64)}\`

\`\`\`text
12 passed
\`\`\`

- Passed: \`\` \`npm test\` exited with 0. \`\`
- 2026-11-25T10:00:00.000Z · 1.2 s · exit code 0 (\`rcpt_1\`)
- Files: \`${"b".repeat(64)}\`
- Output: 10 bytes, SHA-256 \`${"a".repeat(64)}\`

\`\`\`text
x
[…]
12 passed
\`\`\`

## \`Do task_2\`

\`task_2\`: in_progress, **not_run**

### Not run: \`\` \`make chk_2\` exits with 0 \`\`

Written by the model (\`chk_2\`). It has not run.
`);
  });

  it("says that no checks ran", () => {
    expect(writeMarkdown(reportOf([], []))).toContain("The server ran no checks in this run.");
  });

  const outline = outlineOf(writeMarkdown(hostileReport("plain")));
  it.each(hostileTexts.filter((text) => text.trim() !== "").map((text) => [text]))(
    "is built the same with %j everywhere, without links, images and HTML, and shows it whole",
    (text) => {
      const document = writeMarkdown(hostileReport(text));
      expect(outlineOf(document)).toEqual(outline);
      expect(blocksOf(document)[0]).toBe(toPlain(`${text}\n[…]\n${text}`).replace(/\n$/, ""));
    },
  );

  it("has no link, image or HTML for any text", () => {
    const piece = fc.constantFrom(
      "`",
      "``",
      "```\n",
      "[a](b)",
      "![a](b)",
      "<b>",
      "https://a.b",
      "\n",
      "\\",
      " ",
      "#",
      "x",
      "\r",
      "~~~",
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
        const types = new Set(outlineOf(writeMarkdown(hostileReport(pieces.join("")))));
        for (const type of ["link", "image", "html", "br", "del", "hr", "blockquote", "table", "escape", "def"])
          expect(types).not.toContain(type);
      }),
    );
  });
});
