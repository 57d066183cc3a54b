/**
 * What git in a sandbox runs in place of its helper for HTTP. A sandbox has no network: this asks the keeper for a relay
 * to the one repository, and lets git's own helper speak to that. When the host wants a password, git is asked for it
 * with the remote's own address, so that its prompts and helpers see what they would see with a network.
 */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { helperSocket } from "./settings.ts";

const ownHelper = "/opt/daytona/libexec/git-remote-http";
const [name = "", address = ""] = process.argv.slice(2);
/** Descriptors that git's parent left open, such as a pipe for a prompt's program. Node closes them for its children. */
const open = (process.env.DAYTONA_OPEN_DESCRIPTORS ?? "").split(" ").map(Number);
const inherited = Array.from({ length: 7 }, (_, at) => (open.includes(at + 3) ? at + 3 : ("ignore" as const)));
delete process.env.DAYTONA_OPEN_DESCRIPTORS;

const keeper = connect(helperSocket);
keeper.on("error", () => {
  process.stderr.write(`fatal: unable to access '${address}': the sandbox has no network\n`);
  process.exit(128);
});
keeper.write(`${JSON.stringify({ address })}\n`);
createInterface({ input: keeper }).on("line", (line) => {
  const said = JSON.parse(line) as { base?: string; login?: boolean };
  if (said.login) void askGit().then((login) => keeper.write(`${JSON.stringify(login)}\n`));
  if (said.base !== undefined) void run(said.base);
});

async function run(base: string): Promise<void> {
  const settings = Object.entries({
    "http.proxy": "",
    "http.followRedirects": "false",
    "credential.helper": "",
    "core.askPass": "",
  });
  const count = Number(process.env.GIT_CONFIG_COUNT ?? 0);
  const variables = Object.fromEntries(
    settings.flatMap(([key, value], at) => [
      [`GIT_CONFIG_KEY_${count + at}`, key],
      [`GIT_CONFIG_VALUE_${count + at}`, value],
    ]),
  );
  const child = spawn(ownHelper, [name, base], {
    stdio: ["inherit", "inherit", "pipe"],
    env: {
      ...process.env,
      ...variables,
      GIT_CONFIG_COUNT: String(count + settings.length),
      GIT_ALLOW_PROTOCOL: "http",
      GIT_ASKPASS: "false",
      http_proxy: "",
      all_proxy: "",
    },
  });
  const [said, code] = await Promise.all([
    text(child.stderr),
    new Promise<number>((resolve) => child.once("close", (exitCode) => resolve(exitCode ?? 128))),
  ]);
  process.stderr.write(describe(said, base), () => process.exit(code));
}

/** As git's own helper says it, with the address that its user knows. */
function describe(said: string, base: string): string {
  const shown = said.replaceAll(base, address);
  if (/remote: authentication failed/.test(said)) return `fatal: Authentication failed for '${address}/'\n`;
  return shown;
}

async function askGit(): Promise<Record<string, string>> {
  const url = new URL(address);
  const child = spawn("git", ["credential", "fill"], { stdio: ["pipe", "pipe", "inherit", ...inherited] });
  const user = url.username === "" ? "" : `username=${decodeURIComponent(url.username)}\n`;
  const password = url.password === "" ? "" : `password=${decodeURIComponent(url.password)}\n`;
  if (!child.stdin || !child.stdout) return {};
  child.stdin.on("error", () => {});
  child.stdin.end(
    `protocol=${url.protocol.slice(0, -1)}\nhost=${url.host}\npath=${url.pathname.slice(1)}\n${user}${password}\n`,
  );
  const answer = await text(child.stdout);
  const read = (field: string): string => new RegExp(`^${field}=(.*)$`, "m").exec(answer)?.[1] ?? "";
  return read("password") === "" ? {} : { username: read("username"), password: read("password") };
}
