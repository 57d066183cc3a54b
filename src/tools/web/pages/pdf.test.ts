// The program that reads a PDF, in a real shell with a real Python: nothing that the model has written may run.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandRequest, Sandbox } from "../../../agent/sandbox.ts";
import { readPdf } from "./pdf.ts";

const root = mkdtempSync(join(tmpdir(), "taskloom-pdf-"));
const [work, pwned] = [join(root, "work"), join(root, "pwned")];
const written: string[] = [];

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  for (const path of written) rmSync(path, { force: true });
});

/** As providers start commands: in the work dir, unless another folder is named. */
function openSandbox(env: Record<string, string>): Sandbox {
  const sandbox: Partial<Sandbox> = {
    writeFile: async (path, content) => {
      written.push(path);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    },
    readFile: async (path) => readFileSync(path),
    runCommand: ({ command, cwd = "." }: CommandRequest) =>
      new Promise((done) =>
        execFile("bash", ["-c", command], { cwd: resolve(work, cwd), env: { HOME: work, ...env } }, (error, output) =>
          done({ exit_code: Number(error?.code ?? 0), output, omitted_bytes: 0 }),
        ),
      ),
  };
  return sandbox as Sandbox;
}

const PATH = process.env.PATH ?? "";
const evil = `open(${JSON.stringify(pwned)}, "w").close()\n`;

const library = (text: string) => `class Page:
  def extract_text(self): return "${text}"
class PdfReader:
  def __init__(self, path): self.pages = [Page()]
`;

const python = ["-c", "import sys; print('python%d.%d' % sys.version_info[:2])"];
let version: string;

beforeAll(() => {
  mkdirSync(work);
  version = execFileSync("python3", python, { encoding: "utf8" }).trim();
  // An environment of the project, whose libraries are plain files of the work dir.
  execFileSync("python3", ["-m", "venv", "--without-pip", join(work, "venv")]);
  const names = [
    "fitz.py",
    "pypdf.py",
    "PyPDF2.py",
    "os.py",
    "site.py",
    "sitecustomize.py",
    "usercustomize.py",
    "re.py",
  ];
  for (const folder of [work, join(work, "venv/lib", version, "site-packages")])
    for (const name of names) writeFileSync(join(folder, name), evil);
});

function read(env: Record<string, string>) {
  const url = `https://example.com/${Math.random()}.pdf`;
  const bytes = new TextEncoder().encode("%PDF-1.4\n");
  const reader = { sandbox: openSandbox(env), tool_call_id: "c", signal: new AbortController().signal };
  return readPdf(url, bytes, reader);
}

describe("a PDF", () => {
  it.each<[string, Record<string, string>]>([
    ["beside modules with the names of libraries", { PATH }],
    ["where PYTHONPATH names the project", { PATH, PYTHONPATH: `${work}:.` }],
    ["where PATH names an environment of the project", { PATH: `${join(work, "venv/bin")}:venv/bin:.:${PATH}` }],
  ])("is read without code of the project: %s", async (_, env) => {
    expect((await read(env)).ok).toBe(false);
    expect(existsSync(pwned)).toBe(false);
  });

  it("is read without code that an editable install of the project has brought to Python's path", async () => {
    const outside = join(root, "outside");
    execFileSync("python3", ["-m", "venv", "--without-pip", outside]);
    const source = join(work, "src");
    mkdirSync(source);
    for (const name of ["fitz.py", "sitecustomize.py"]) writeFileSync(join(source, name), evil);
    writeFileSync(join(outside, "lib", version, "site-packages/__editable__.shop-1.0.pth"), `${source}\n`);
    expect((await read({ PATH: `${join(outside, "bin")}:${PATH}` })).ok).toBe(false);
    expect(existsSync(pwned)).toBe(false);
  });

  it("is read with no Python of the project, also where a link leads there", async () => {
    const [folder, outside] = [join(work, "conda/bin"), join(root, "linked")];
    mkdirSync(folder, { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(folder, "python3"), `#!/bin/sh\ntouch ${pwned}\n`, { mode: 0o755 });
    symlinkSync(join(folder, "python3"), join(outside, "python3"));
    const answer = await read({ PATH: `${outside}:${PATH}` });
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining("has no program that does") });
    expect(existsSync(pwned)).toBe(false);
  });

  it("is read with a library of an environment of its own", async () => {
    const outside = join(root, "own");
    execFileSync("python3", ["-m", "venv", "--without-pip", outside]);
    writeFileSync(join(outside, "lib", version, "site-packages/pypdf.py"), library("more words"));
    const page = { text: "## Page 1\n\nmore words" };
    expect(await read({ PATH: `${join(outside, "bin")}:${PATH}` })).toMatchObject({ ok: true, page });
  });

  it("is read with a library that pip has put into the home", async () => {
    const folder = join(work, ".local/lib", version, "site-packages");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "pypdf.py"), library("words"));
    expect(await read({ PATH })).toMatchObject({ ok: true, page: { text: "## Page 1\n\nwords" } });
  });
});
