// What a visitor of a link sees if no program answers: a small page, or JSON for clients other than browsers. It does
// not reveal what exists: an unknown, an expired and a revoked link look the same.

export type PreviewReason =
  | "unknown_link"
  | "nothing_listens"
  | "asleep"
  | "restarted"
  | "unreachable"
  | "no_answer"
  | "bad_answer"
  | "bad_path"
  | "bad_method"
  | "headers_too_large"
  | "bad_domain";

interface Words {
  title: string;
  text: string;
}

interface Answer {
  status: number;
  en: Words;
  zh: Words;
  /** The page polls, and reloads as soon as a program answers. */
  waits?: true;
}

const answers: Record<PreviewReason, Answer> = {
  unknown_link: {
    status: 404,
    en: { title: "Nothing here", text: "This link doesn't exist or no longer works. Ask for a new one." },
    zh: { title: "这里没有内容", text: "该链接不存在或已失效，请索取新的链接。" },
  },
  nothing_listens: {
    status: 502,
    en: {
      title: "Nothing is running here yet",
      text: "No program responds on this port. This page retries automatically.",
    },
    zh: { title: "程序尚未运行", text: "该端口上没有程序响应。本页面会自动重试。" },
    waits: true,
  },
  asleep: {
    status: 503,
    en: { title: "The sandbox is asleep", text: "It starts again when its owner works on the project." },
    zh: { title: "沙箱正在休眠", text: "项目所有者继续工作时，沙箱会重新启动。" },
    waits: true,
  },
  restarted: {
    status: 503,
    en: { title: "The sandbox has just restarted", text: "Your request didn't arrive. Send it again." },
    zh: { title: "沙箱刚刚重启", text: "刚才的请求未能送达，请重新发送。" },
  },
  unreachable: {
    status: 503,
    en: { title: "Can't reach the sandbox", text: "This page retries automatically." },
    zh: { title: "暂时无法连接沙箱", text: "本页面会自动重试。" },
    waits: true,
  },
  no_answer: {
    status: 504,
    en: { title: "The program isn't responding", text: "It accepted the request but sent no response." },
    zh: { title: "程序没有响应", text: "程序收到了请求，但一直没有回应。" },
  },
  bad_answer: {
    status: 502,
    en: {
      title: "The response can't be shown",
      text: "The program closed the connection, or sent something other than HTTP.",
    },
    zh: { title: "无法显示响应", text: "程序中断了连接，或发送的内容不是有效的 HTTP。" },
  },
  bad_path: {
    status: 400,
    en: { title: "This address can't be opened", text: "Its path isn't valid." },
    zh: { title: "无法访问该地址", text: "地址的路径无效。" },
  },
  bad_method: {
    status: 405,
    en: { title: "TRACE isn't supported", text: "It would reveal what proxies add to the request." },
    zh: { title: "不支持 TRACE", text: "该方法会暴露途中的请求内容。" },
  },
  headers_too_large: {
    status: 431,
    en: {
      title: "The request is too large",
      text: "Its headers are too large. Clear the cookies of this page, then try again.",
    },
    zh: { title: "请求过大", text: "请求头过大，请清除本页面的 Cookie 后重试。" },
  },
  bad_domain: {
    status: 503,
    en: {
      title: "PREVIEW_DOMAIN is this server's own host",
      text: "Previews need a domain unrelated to the app's. Nothing is served here until the setting is changed.",
    },
    zh: {
      title: "PREVIEW_DOMAIN 与服务器自身域名相同",
      text: "预览需要与应用无关的独立域名，修改设置后才能提供服务。",
    },
  },
};

export function answerVisitor(request: Request, reason: PreviewReason): Response {
  const answer = answers[reason];
  const headers = new Headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  headers.set("x-robots-tag", "noindex");
  headers.set("referrer-policy", "no-referrer");
  if (answer.status === 503) headers.set("retry-after", "5");
  const hasBody = request.method !== "HEAD";
  if (!/\btext\/html\b/.test(request.headers.get("accept") ?? "")) {
    headers.set("content-type", "application/json");
    const body = JSON.stringify({ status: answer.status, reason, message: `${answer.en.title}. ${answer.en.text}` });
    return new Response(hasBody ? body : null, { status: answer.status, headers });
  }
  const nonce = crypto.randomUUID();
  headers.set("content-type", "text/html; charset=utf-8");
  headers.set("vary", "accept, accept-language");
  headers.set("content-security-policy", policy(nonce));
  const body = renderPage(answer, { nonce, isChinese: prefersChinese(request), looks: request.method === "GET" });
  return new Response(hasBody ? body : null, { status: answer.status, headers });
}

function policy(nonce: string): string {
  const sources = `script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'`;
  return `default-src 'none'; ${sources}; base-uri 'none'; form-action 'none'`;
}

/** The first of the two languages in the header. Weights are ignored: people list first what they read best. */
function prefersChinese(request: Request): boolean {
  const [first = ""] = (request.headers.get("accept-language") ?? "").toLowerCase().match(/\b(?:zh|en)\b/) ?? [];
  return first === "zh";
}

function renderPage(answer: Answer, view: { nonce: string; isChinese: boolean; looks: boolean }): string {
  const { nonce, isChinese, looks } = view;
  const [main, other] = isChinese ? [answer.zh, answer.en] : [answer.en, answer.zh];
  const [language, otherLanguage] = isChinese ? ["zh-CN", "en"] : ["en", "zh-CN"];
  const waits = answer.waits === true && looks;
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${main.title}</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<main>
<p class="status${waits ? " waits" : ""}">${answer.status}</p>
<h1>${main.title}</h1>
<p>${main.text}</p>
<p class="other" lang="${otherLanguage}">${other.title}${isChinese ? ". " : "。"}${other.text}</p>
</main>${waits ? `\n<script nonce="${nonce}">${script}</script>` : ""}
</body>
</html>
`;
}

const style = `
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.6 system-ui,sans-serif;
background:light-dark(#f6f5f2,#17181a);color:light-dark(#24262b,#e6e5e1)}
main{max-width:30rem;padding:2rem}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}
p{margin:.5rem 0}
.status{font:600 .875rem ui-monospace,monospace;color:light-dark(#8a5a00,#e0b25c)}
.waits::after{content:"";display:inline-block;width:.5em;height:.5em;margin-left:.6em;border-radius:50%;background:currentColor;animation:pulse 2s infinite}
.other{font-size:.875rem;opacity:.65;margin-top:1.5rem}
@keyframes pulse{50%{opacity:.2}}
@media (prefers-reduced-motion:reduce){.waits::after{animation:none}}
`;

/**
 * Polls with HEAD requests at growing intervals and stops after some minutes: each request counts as activity, and a
 * forgotten tab would keep a sandbox awake. A hidden page does not poll.
 */
const script = `
let wait = 1000, left = 24;
const look = async () => {
  if (!document.hidden) {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer && answer.status !== 502 && answer.status !== 503) return location.reload();
    if (--left === 0) return;
  }
  wait = Math.min(wait * 1.3, 20000);
  setTimeout(look, wait);
};
setTimeout(look, wait);
`;
