import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemorySandbox } from "../../../../examples/memory-sandbox/sandbox.ts";
import { type CommandRequest, type Sandbox, SandboxError } from "../../../agent/sandbox.ts";
import { readPage } from "./read.ts";
import { readContentType } from "./types.ts";

/** A sandbox whose program for PDF ends with a code, and may have written a text. */
function pdfSandbox(
  exit_code: number,
  text = "",
): { sandbox: Sandbox; asked: CommandRequest[]; files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const asked: CommandRequest[] = [];
  const sandbox = Object.assign(new MemorySandbox(), {
    writeFile: async (path: string, content: Uint8Array) => void files.set(path, content),
    readFile: async () => new TextEncoder().encode(text),
    runCommand: async (request: CommandRequest) => {
      asked.push(request);
      return { exit_code, output: "", omitted_bytes: 0 };
    },
  });
  return { sandbox, asked, files };
}

const signal = new AbortController().signal;

function read(body: string | Uint8Array, type: string | null, sandbox: Sandbox = pdfSandbox(42).sandbox) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return readPage(
    "https://site.example/a",
    { type: readContentType(type), bytes },
    { sandbox, tool_call_id: "call_7", signal },
  );
}

describe("a page that only sends its readers on", () => {
  it("is read, so that its words name the address where it leads", async () => {
    const page = '<meta http-equiv="refresh" content="0;url=/new"><title>Moved</title>';
    expect(await read(page, "text/html")).toMatchObject({
      page: { title: "Moved", text: "The page sends its readers on to <https://site.example/new>", notes: [] },
    });
  });
});

describe("a body", () => {
  it.each([
    ["application/json", '{"a": 1}', '{"a": 1}'],
    ["text/csv", "a,b\n1,2\n", "a,b\n1,2"],
    ["text/markdown", "# Title\n\n- x", "# Title\n\n- x"],
    ["application/rss+xml", "<rss><item>x</item></rss>", "<rss><item>x</item></rss>"],
    ["text/plain", "<p>no page</p>", "<p>no page</p>"],
    ["image/svg+xml", "<svg><text>x</text></svg>", "<svg><text>x</text></svg>"],
  ])("of type %s is given as it is", async (type, body, text) => {
    expect(await read(body, type)).toMatchObject({ ok: true, page: { text, title: null } });
  });

  it.each([null, "", "application/octet-stream", "nonsense"])(
    "of unknown type %s is what it begins as",
    async (type) => {
      expect(await read("<!-- x --><!DOCTYPE html><title>T</title><p>Words</p>", type)).toMatchObject({
        page: { title: "T", text: "Words" },
      });
      expect(await read("just words", type)).toMatchObject({ page: { text: "just words" } });
      expect(await read("PK\x03\x04\0\0", type)).toMatchObject({
        ok: false,
        message: expect.stringContaining("no text"),
      });
    },
  );

  it("that begins with comments is found at once", async () => {
    const body = `${"<!---->".repeat(140)}<p>x`;
    expect(await read(body, null)).toMatchObject({ page: { text: body } });
  });

  it("of a page that scripts fill is refused with what to do", async () => {
    const html = `<title>App</title><div id="root"></div><script src="/app.js"></script>`;
    expect(await read(html, "text/html")).toMatchObject({
      ok: false,
      message: expect.stringContaining("open it with a browser in the sandbox"),
    });
  });

  it("gives a text or a sentence, whatever it is", async () => {
    const types = fc.constantFrom(
      null,
      "text/html",
      "text/html; charset=gbk",
      "text/plain",
      "application/xml",
      "application/json",
      "x/y",
    );
    const tags = fc.constantFrom(
      "<p>",
      "</p>",
      "<table>",
      "<td>",
      "<li>",
      "<a href='",
      "'>",
      "<!--",
      "-->",
      "<script>",
      "</script>",
      "<![CDATA[",
      "&amp;",
      "&#x110000;",
      "<b",
      "<h1>",
      "<pre>",
      "<base href=//>",
      "\0",
      "<svg>",
      "<math>",
      "text ",
      "<title>",
      "<form>",
      "<br/>",
      "<meta charset=big5>",
      "<__proto__ constructor>",
    );
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc.array(tags, { maxLength: 60 }).map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(bodies, types, async (body, type) => {
        const result = await read(body, type);
        if (result.ok) expect(result.page.text.length).toBeLessThan(3000);
        else expect(result.message).toMatch(/^[A-Z].*\.$/s);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a PDF", () => {
  const pdf = "%PDF-1.7\n…";

  it("is read by a program of the sandbox, page by page", async () => {
    const { sandbox, asked, files } = pdfSandbox(0, "First page  \n\n\fSecond\n\f");
    const result = await read(pdf, "application/pdf", sandbox);
    expect(result).toMatchObject({
      ok: true,
      page: { text: "## Page 1\n\nFirst page\n\n## Page 2\n\nSecond", by_sandbox: true, notes: [] },
    });
    expect(asked.map(({ command_id }) => command_id)).toEqual(["call_7_pdf"]);
    expect([...files.keys()]).toEqual([expect.stringMatching(/^\/tmp\/fetch_url\/[0-9a-f]{16}\.pdf$/)]);
  });

  it("is not read without a sandbox, and the run continues", async () => {
    const { sandbox } = pdfSandbox(0);
    sandbox.writeFile = () => Promise.reject(new SandboxError("unavailable", "No sandbox is set up."));
    const message = "At this address is a PDF. It is read in the sandbox, which failed: No sandbox is set up.";
    expect(await read(pdf, "application/pdf", sandbox)).toEqual({ ok: false, message });
  });

  it("that is a page of a login after all is read as one", async () => {
    expect(await read("<html><title>Sign in</title><p>Words</p>", "application/pdf")).toMatchObject({
      page: { title: "Sign in" },
    });
  });

  it("is found by how it begins, whatever its type", async () => {
    const { sandbox } = pdfSandbox(0, "Words");
    for (const type of ["text/html", "application/octet-stream", null]) {
      expect(await read(pdf, type, sandbox)).toMatchObject({ ok: true });
    }
  });

  it.each([
    [42, "", "Install one"],
    [1, "", "damaged, locked or too large"],
    [0, " \f ", "scanned images"],
  ])("that gives no text (%s) is named with its file", async (code, text, message) => {
    const result = await read(pdf, "application/pdf", pdfSandbox(code, text).sandbox);
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining(message) });
    expect(result).toMatchObject({
      message: expect.stringMatching(/which is now \/tmp\/fetch_url\/\w+\.pdf in the sandbox/),
    });
  });
});
