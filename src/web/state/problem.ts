// What went wrong, and what to do about it. The server's details follow, for a report.
import { ApiError, waitFor } from "../client/api.ts";
import { preferences } from "./preferences.ts";
import { defineWords, wordsNow } from "./words.ts";

const words = defineWords(
  {
    offline: "Can't reach the server. Check your connection, then try again.",
    unauthorized: "That API key isn't valid. Sign in with another one.",
    forbidden: "You can't do this. The reason is below.",
    closed: "This account is disabled. Contact an admin.",
    lacks: (scope: string) => `Your API key can't do this. Sign in with a key that has the “${scope}” scope.`,
    missing: "This no longer exists. Choose another one from the list.",
    tooLarge: "This is too large for the server. Make it smaller, or send it in parts.",
    limited: "Too many requests. Wait a minute, then try again.",
    usedUp: "You've used up today's quota. Try again tomorrow.",
    tryAt: (time: string) => `The server asks you to wait. Try again at ${time}.`,
    triesAt: (time: string) => `The server asks you to wait. Retrying automatically at ${time}.`,
    full: "You've reached your quota. Delete what you no longer need.",
    unconfigured: "The server isn't set up for this. See below for what is missing.",
    sandbox: "The sandbox couldn't do this. Try again. If this keeps happening, stop and start the sandbox.",
    server: "Something went wrong on the server. Try again in a moment.",
    answered: "This was already answered, or it timed out. You're looking at the current state.",
    refused: "The server didn't accept this. Correct the problem below, then try again.",
  },
  {
    offline: "无法连接服务器。请检查网络后重试。",
    unauthorized: "该 API 密钥无效。请换一个密钥登录。",
    forbidden: "无法执行此操作，原因如下。",
    closed: "此账户已停用。请联系管理员。",
    lacks: (scope: string) => `你的 API 密钥无法执行此操作。请换用具有“${scope}”权限的密钥登录。`,
    missing: "该内容已不存在。请从列表中另选一个。",
    tooLarge: "内容太大，服务器无法接收。请缩小内容，或分开发送。",
    limited: "请求过于频繁。请过一分钟再试。",
    usedUp: "今天的配额已用完。请明天再试。",
    tryAt: (time) => `服务器要求稍候。请在 ${time} 后重试。`,
    triesAt: (time) => `服务器要求稍候，将于 ${time} 自动重试。`,
    full: "已达到配额上限。请删除不再需要的内容。",
    unconfigured: "服务器尚未配置此功能。缺少的设置见下。",
    sandbox: "沙箱未能完成此操作。请重试。如果问题持续出现，请停止后重新启动沙箱。",
    server: "服务器出错了。请稍后重试。",
    answered: "这个问题已有回答，或已超时。当前显示的是最新状态。",
    refused: "服务器没有接受，原因如下。请更正后重试。",
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
  if (code === "quota_exceeded" && /\bbegins again at 00:00 UTC\b/.test(message)) return "usedUp";
  const known = { 401: "unauthorized", 403: "forbidden", 404: "missing", 413: "tooLarge", 429: "limited" } as const;
  return known[status as keyof typeof known] ?? (status >= 500 ? "server" : "refused");
}
