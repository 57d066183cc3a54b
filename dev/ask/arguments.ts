// The arguments of `npm run ask`: a request, and where to send it.
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface AskArguments {
  message: string;
  url: string | null;
  key: string | null;
  thread: string | null;
  state: string;
}

export const usage = 'npm run ask -- "帮我做一个电商网站" [--thread ID] [--url URL --key KEY] [--state DIR]';

/** Throws an error with a message for people. */
export function readArguments(list: string[], root: string): AskArguments {
  const { values, positionals } = parseArgs({
    args: list,
    allowPositionals: true,
    options: {
      url: { type: "string" },
      key: { type: "string" },
      thread: { type: "string" },
      state: { type: "string", default: resolve(root, ".wrangler/state") },
    },
  });
  const message = positionals.join(" ");
  if (message.trim() === "") throw new Error("no request given");
  if (values.url !== undefined && !/^https?:$/.test(URL.parse(values.url)?.protocol ?? "")) {
    throw new Error("--url must be the address of a server, such as http://localhost:8787");
  }
  if (values.thread !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(values.thread)) {
    throw new Error("--thread must be 1 to 64 letters, digits, - or _");
  }
  return {
    message,
    url: values.url ?? null,
    key: values.key ?? null,
    thread: values.thread ?? null,
    state: resolve(values.state),
  };
}
