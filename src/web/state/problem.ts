// What went wrong, and what to do about it. The server's details follow, for a report.
import { ApiError, waitFor } from "../client/api.ts";
import { preferences } from "./preferences.ts";
import { defineWords, wordsNow } from "./words.ts";

const words = defineWords(
  {
    offline: "The server can't be reached. Check the connection, then try again.",
    unauthorized: "This key is not known to the server. Sign in again with another one.",
    forbidden: "This is not allowed, for the reason below.",
    closed: "This account is disabled. Ask whoever runs this server.",
    lacks: (scope: string) => `Your key can't do this: it lacks the scope “${scope}”. Sign in with a key that has it.`,
    missing: "This is not there any more. Choose another one from the list.",
    tooLarge: "This is too large for the server. Make it smaller or send it in parts.",
    limited: "Too many requests at once. Wait a minute and try again.",
    usedUp: "Today's quota is used up. Go on tomorrow, or ask an admin for more.",
    tryAt: (time: string) => `The server asks you to wait. Try again at ${time}.`,
    triesAt: (time: string) => `The server asks to wait. This is tried again at ${time}, by itself.`,
    full: "You have as much as your quota allows. Delete what you no longer need, or ask an admin for more.",
    unconfigured: "The server has not been set up for this. Its settings say what is missing.",
    sandbox: "The sandbox did not do it. Try again; if this happens again, stop and start the sandbox.",
    server: "Something went wrong on the server. Try again in a moment.",
    answered: "This was answered elsewhere, or its time was up. Here is how things stand.",
    refused: "The server did not take this, for the reason below. Change it and try again.",
  },
  {
    offline: "无法连接服务器。请检查网络后重试。",
    unauthorized: "服务器不认识这个密钥。请换一个密钥登录。",
    forbidden: "不允许此操作，原因如下。",
    closed: "此账户已被停用。请联系服务器管理员。",
    lacks: (scope: string) => `你的密钥缺少“${scope}”权限，无法执行此操作。请换用具有该权限的密钥登录。`,
    missing: "它已不存在。请从列表中另选一个。",
    tooLarge: "内容太大，服务器不接受。请缩小或分开发送。",
    limited: "请求太频繁。请等一分钟再试。",
    usedUp: "今天的配额已用完。请明天再继续，或请管理员提高配额。",
    tryAt: (time) => `服务器要求稍候。请在 ${time} 之后重试。`,
    triesAt: (time) => `服务器要求稍候，将在 ${time} 自动重试。`,
    full: "已达到配额上限。请删除不再需要的内容，或请管理员提高配额。",
    unconfigured: "服务器还没有为此配置好。缺什么请看它的设置。",
    sandbox: "沙箱没有完成操作。请重试；若一直如此，请停止后重新启动沙箱。",
    server: "服务器出错了。请稍后再试。",
    answered: "这个问题已在别处回答，或时限已过。现在的情况如下。",
    refused: "服务器没有接受，原因如下。请修改后重试。",
  },
);

export interface Problem {
  text: string;
  detail: string | null;
  /** What the request was about does not exist, or not any more. */
  isMissing?: boolean;
  /** It is tried again without a person. */
  isWait?: boolean;
}

/** For what the page tries again by itself: at the time that the server has said, if it has. */
export function describeRetry(error: unknown): Problem {
  if (!(error instanceof ApiError) || waitFor(error) === 0) return describeProblem(error);
  return { text: wordsNow(words).triesAt(timeOf(error.retryAt)), detail: error.message, isWait: true };
}

export function describeProblem(error: unknown): Problem {
  const said = wordsNow(words);
  // The browser's words for a request that failed say no more, and are English.
  if (!(error instanceof ApiError)) return { text: said.offline, detail: null };
  if (error.retryAt !== null) return { text: said.tryAt(timeOf(error.retryAt)), detail: error.message };
  const kind = kindOf(error);
  const [, scope] = error.status === 403 ? (/with the scope `(\w+)`/.exec(error.message) ?? []) : [];
  if (scope !== undefined) return { text: said.lacks(scope), detail: error.message };
  if (error.status === 403 && /\baccount is disabled\b/.test(error.message)) return { text: said.closed, detail: null };
  return { text: said[kind], detail: error.message, isMissing: kind === "missing" };
}

function timeOf(at: number | null): string {
  const locale = preferences.get().language === "zh" ? "zh-CN" : "en-GB";
  return new Date(at ?? Date.now()).toLocaleTimeString(locale);
}

function kindOf({
  status,
  code,
  message,
  isAnswered,
}: ApiError): Exclude<keyof (typeof words)["en"], "lacks" | "closed" | "tryAt" | "triesAt"> {
  if (isAnswered) return "answered";
  if (code === "not_configured") return "unconfigured";
  if (code === "sandbox_failed") return "sandbox";
  if (code === "quota_exceeded" && status === 409) return "full";
  if (code === "quota_exceeded" && /\bbegins anew at 00:00 UTC\b/.test(message)) return "usedUp";
  const known = { 401: "unauthorized", 403: "forbidden", 404: "missing", 413: "tooLarge", 429: "limited" } as const;
  return known[status as keyof typeof known] ?? (status >= 500 ? "server" : "refused");
}
