// The clients that two generators make of the description compile under `strict`, and programs that use them without a
// cast do what they say against a server.
import { join } from "node:path";
import { folder, made, root, run, tool } from "./steps.ts";

const programs = ["openapi-fetch", "hey-api"];

export interface Server {
  url: string;
  key: string;
}

/** Returns what is wrong. */
export async function checkClients({ url, key }: Server): Promise<string[]> {
  const generated = [
    await run(tool("openapi-typescript"), [join(made, "openapi.json"), "-o", join(made, "openapi-typescript.ts")]),
    await run(process.execPath, [
      join(folder, "clients/generate.ts"),
      join(made, "openapi.json"),
      join(made, "hey-api"),
    ]),
  ];
  const failed = generated.filter(({ code }) => code !== 0).map(({ text }) => text);
  if (failed.length > 0) return failed;
  const compiled = await run(join(root, "node_modules/.bin/tsc"), ["--noEmit", "-p", join(folder, "clients")]);
  if (compiled.code !== 0) return [compiled.text];
  const settings = { TASKLOOM_URL: url, TASKLOOM_API_KEY: key };
  const ended = await Promise.all(
    programs.map((name) => run(process.execPath, [join(folder, "clients", `${name}.ts`)], settings)),
  );
  return ended.filter(({ code }) => code !== 0).map(({ text }, place) => `${programs[place]}: ${text}`);
}
