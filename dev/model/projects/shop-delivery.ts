// The last part of the shop: makes it faster and measures it, then serves it on a free port, requests it over HTTP, and
// exposes the port.
import { call, type ToolUse } from "../reply.ts";
import { excerpt, findUrl, type Result } from "../result.ts";
import { done, givenUp, type Step, type SummaryContext, type TaskContext, type TaskScript, trying } from "../script.ts";

const PROBE = "mkdir -p shop && (node --version || python3 --version || echo no runtime)";
// Further ports are tried where others are in use; a sandbox with twenty used ones is not worth a search.
const FIRST_PORT = 3000;
const LAST_PORT = 3019;

export const probe: ToolUse = call("execute_command", { command: PROBE });

/** What the shop's check prints last. */
export const counts = /(\d{1,6}) passed, (\d{1,6}) failed/;

export type Runtime = "node" | "python" | "none";

export function readRuntime(context: Pick<TaskContext, "find">): Runtime {
  const found = context.find((each) => each.arguments.includes("python3 --version"));
  // Unknown where the conversation was cut; most sandboxes have Node.
  if (!found) return "node";
  const version = /\bv(\d{1,3})\.\d{1,3}\./.exec(found.result.text)?.[1];
  if (version !== undefined && Number(version) >= 18) return "node";
  return /Python 3\.\d+/.test(found.result.text) ? "python" : "none";
}

export function* performance(context: TaskContext): ReturnType<TaskScript> {
  if (readRuntime(context) !== "node") {
    return done(
      "文件服务器没有可调的地方，页面本身已经很小。",
      "A plain file server leaves nothing to tune; the page is small as it is.",
    );
  }
  const [edited] = yield* trying({
    text: {
      zh: "让浏览器缓存样式与脚本，并写一个测速脚本。",
      en: "Browsers may cache style and scripts; and a script to measure.",
    },
    uses: [
      call("edit_file", {
        path: "shop/server.js",
        old_text: "const CACHE_SECONDS = 0;",
        new_text: "const CACHE_SECONDS = 300;",
      }),
      call("create_file", {
        path: "shop/measure.js",
        content: context.content.read("shop/measure.js", context.language),
      }),
    ],
  });
  const [measured] = yield {
    text: { zh: "测一下速度。", en: "Measuring." },
    uses: [call("execute_command", { command: "cd shop && node measure.js", timeout_seconds: 60 })],
  };
  const median = /products: median ([\d.]{1,9}) ms/.exec(measured?.text ?? "")?.[1];
  const cached = /max-age=300/.test(measured?.text ?? "") || edited?.ok === true;
  const zh = [cached ? "缓存已开启" : "缓存没能开启", median ? `接口响应中位数 ${median} 毫秒` : "没有测到速度"].join(
    "，",
  );
  const en = [
    cached ? "Caching is on" : "Caching could not be turned on",
    median ? `the API answers in ${median} ms (median)` : "no figure was measured",
  ].join("; ");
  return done(`${zh}。`, `${en}.`);
}

function findPort(runtime: Runtime): string {
  const js = `const t = (p) => p > ${LAST_PORT} ? (console.log('no free port'), process.exit(1)) : require('net').createServer().once('error', () => t(p + 1)).listen(p, '127.0.0.1', function () { console.log('free port ' + p); this.close(); }); t(${FIRST_PORT})`;
  if (runtime === "node") return `node --input-type=commonjs -e "${js}"`;
  return [
    "python3 - <<'END'",
    "import socket",
    `for port in range(${FIRST_PORT}, ${LAST_PORT} + 1):`,
    "    with socket.socket() as tried:",
    "        if tried.connect_ex(('127.0.0.1', port)) != 0:",
    "            print('free port', port)",
    "            break",
    "END",
  ].join("\n");
}

function visit(runtime: Runtime, port: number): string {
  const url = `http://127.0.0.1:${port}/api/products`;
  // The server may need a moment: it is requested until it responds, for five seconds at most.
  if (runtime === "node") {
    return `node --input-type=commonjs -e "const ask = (left) => fetch('${url}').then(async (r) => console.log('status ' + r.status + ', ' + (await r.json()).products.length + ' products')).catch((e) => left > 0 ? setTimeout(ask, 250, left - 1) : (console.log('no answer: ' + e.message), process.exit(1))); ask(20)"`;
  }
  return `python3 -c "import json, time, urllib.request
for left in range(20, -1, -1):
    try:
        with urllib.request.urlopen('${url}', timeout=2) as r: print('status', r.status, '-', len(json.load(r)['products']), 'products'); break
    except OSError as e:
        if not left: raise SystemExit('no answer: ' + str(e))
        time.sleep(0.25)"`;
}

function* serve(runtime: Runtime, port: number): Generator<Step, Result | undefined, Result[]> {
  const command =
    runtime === "node"
      ? `cd shop && PORT=${port} node server.js`
      : `cd shop && python3 -m http.server ${port} --bind 127.0.0.1 --directory public`;
  yield {
    text: { zh: `在端口 ${port} 上启动商店。`, en: `Opening the shop on port ${port}.` },
    uses: [call("execute_command", { command, background: true })],
  };
  const [visited] = yield {
    text: { zh: "确认它真的有回应。", en: "Seeing that it really answers." },
    uses: [call("execute_command", { command: visit(runtime, port), timeout_seconds: 20 })],
  };
  return visited;
}

export function* deploy(context: TaskContext): ReturnType<TaskScript> {
  const runtime = readRuntime(context);
  if (runtime === "none")
    return givenUp("没有可用的运行环境，商店没有上线。", "The shop is not online: there is nothing here to run it.");
  const [looked] = yield* trying({
    text: { zh: "找一个空闲端口。", en: "Looking for a free port." },
    uses: [call("execute_command", { command: findPort(runtime) })],
  });
  let port = Number(/free port (\d{4})/.exec(looked?.text ?? "")?.[1] ?? FIRST_PORT);
  let visited = yield* serve(runtime, port);
  // The port was taken between the check and the start: the next one is tried once.
  if (!/status 200/.test(visited?.text ?? "")) {
    port += 1;
    visited = yield* serve(runtime, port);
  }
  if (!/status 200/.test(visited?.text ?? "")) {
    const why = excerpt(visited?.text ?? "");
    return givenUp(`商店没能启动：${why}`, `The shop could not be started: ${why}`);
  }
  const [exposed] = yield* trying({
    text: { zh: "它有回应了，生成可以打开的链接。", en: "It answers; now a link that a browser can open." },
    uses: [call("expose_port", { port })],
  });
  const url = exposed?.ok ? findUrl(exposed.text) : null;
  if (url) return done(`商店已上线：${url}`, `The shop is online: ${url}`);
  const why = excerpt(exposed?.text ?? "");
  return done(
    `商店在沙箱的 ${port} 端口运行，但没有得到外部链接：${why}`,
    `The shop runs on port ${port} of the sandbox, but no outside link could be made: ${why}`,
  );
}

export function summarizeShop({ language, completed, cancelled, find }: SummaryContext): string {
  const exposed = find((each) => each.name === "expose_port" && each.result.ok);
  const url = exposed ? findUrl(exposed.result.text) : null;
  const checked = counts.exec(find((each) => counts.test(each.result.text))?.result.text ?? "")?.[0];
  if (language === "zh") {
    return [
      url ? `商店做好了，点这里打开：**[打开商店](${url})**` : "商店的文件都写好了，但没有可以打开的链接。",
      `- 完成任务：${completed.length} 项${cancelled.length > 0 ? `；没有做成：${cancelled.join("、")}` : ""}`,
      ...(checked ? [`- 检查结果：\`${checked}\``] : []),
      "- 代码在 `shop/`：`server.js`、`public/`、`data/products.json`，用 `cd shop && node server.js` 启动",
      "\n我是脚本化演示模型，以上是固定剧本的演示；接入真实模型后，同样的流程可以做你想要的任何东西。",
    ].join("\n");
  }
  return [
    url
      ? `The shop is ready: **[open the shop](${url})**`
      : "The shop's files are written, but there is no link to open.",
    `- Tasks done: ${completed.length}${cancelled.length > 0 ? `; not done: ${cancelled.join(", ")}` : ""}`,
    ...(checked ? [`- Check: \`${checked}\``] : []),
    "- The code is in `shop/`: `server.js`, `public/`, `data/products.json`; start it with `cd shop && node server.js`",
    "\nI am a scripted demo model and this was a fixed script; with a real model the same way of working builds whatever you ask for.",
  ].join("\n");
}
