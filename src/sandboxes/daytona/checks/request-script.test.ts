// A GET from inside of a sandbox, with the machine's own programs: whichever asks runs no code of the project.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OWN_PATH, readSaid } from "./ports.ts";
import { REQUEST_SCRIPT, readRequestAnswer } from "./request-script.ts";

const root = mkdtempSync(join(tmpdir(), "taskloom-request-"));
const pwned = join(root, "pwned");
const server = createServer((_, response) => response.end("words"));

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

function ask(program: string, env: Record<string, string>): Promise<string> {
  const { port } = server.address() as AddressInfo;
  // A system's own Python takes editable installs, too.
  const script = REQUEST_SCRIPT.replace(OWN_PATH, () => `${join(root, program, "bin")}:${OWN_PATH}`);
  const words = ["-c", script, "taskloom", String(port), "/", "10", program];
  return new Promise((resolve) => execFile("sh", words, { env, cwd: root }, (_, output) => resolve(output)));
}

it.each(["python3", "node", "curl", "bash"])("%s asks a port and loads no source of the project", async (program) => {
  execFileSync("python3", ["-m", "venv", "--without-pip", join(root, program)]);
  const folder = join(root, program, "lib");
  const [version = ""] = execFileSync("ls", [folder], { encoding: "utf8" }).split("\n");
  writeFileSync(join(folder, version, "site-packages/__editable__.shop-1.0.pth"), `${root}\n`);
  for (const name of ["sitecustomize.py", "http.py"])
    writeFileSync(join(root, name), `open(${JSON.stringify(pwned)}, "w").close()\n`);
  writeFileSync(join(root, "http.js"), `require("fs").writeFileSync(${JSON.stringify(pwned)}, "")`);
  for (const name of [".curlrc", "profile"]) writeFileSync(join(root, name), `output = ${pwned}\ntouch ${pwned}\n`);
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: root, CURL_HOME: root },
    ...{
      PYTHONPATH: root,
      NODE_PATH: root,
      NODE_OPTIONS: `--require=${root}/http.js`,
      BASH_ENV: join(root, "profile"),
    },
  };
  const said = readSaid(await ask(program, env));
  const body = Buffer.from("words").toString("base64");
  if (said?.word !== "lacks") expect(readRequestAnswer(said)).toMatchObject({ kind: "answer", status: 200, body });
  expect(existsSync(pwned)).toBe(false);
});
