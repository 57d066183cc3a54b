// Says why nobody was signed in. It loads only then: most people never see one of these sentences.
import { Notice } from "../parts/notice.tsx";
import { defineWords, useWords } from "../state/words.ts";

const words = defineWords(
  {
    cancelled: "Sign-in was cancelled. Try again, or use an API key.",
    expired: "Sign-in took too long, or started in another browser. Try again.",
    no_email: "The sign-in service has no verified email address for you. Verify it there, then try again.",
    not_allowed: "You have no account on this server. Ask an admin for one.",
    disabled: "Your account is disabled. Contact an admin.",
    unavailable: "The sign-in service isn't responding. Try again in a moment.",
    rejected:
      "The sign-in service's response couldn't be verified. Try again. If this keeps happening, contact the server operator.",
    too_many: "Too many failed sign-ins. Wait a few minutes, then try again.",
    insecure: "Sign-in needs HTTPS. Open this page with https:// and try again.",
    failed: "Sign-in failed. Try again in a moment.",
  },
  {
    cancelled: "登录已取消。请重试，或使用 API 密钥。",
    expired: "登录超时，或登录是在另一个浏览器中发起的。请重试。",
    no_email: "登录服务中没有你已验证的邮箱。请先在那里验证邮箱，然后重试。",
    not_allowed: "你在这台服务器上没有账户。请联系管理员开通。",
    disabled: "你的账户已停用。请联系管理员。",
    unavailable: "登录服务没有响应。请稍后重试。",
    rejected: "无法验证登录服务的响应。请重试。如果问题持续出现，请联系服务器维护者。",
    too_many: "登录失败次数过多。请过几分钟再试。",
    insecure: "登录需要 HTTPS。请用 https:// 打开此页面后重试。",
    failed: "登录失败。请稍后重试。",
  },
);

/** A code of a later server is said in general. */
export function Refused({ code }: { code: string }) {
  const said: Record<string, string> = useWords(words);
  return <Notice tone="bad">{Object.hasOwn(said, code) ? said[code] : said.failed}</Notice>;
}
