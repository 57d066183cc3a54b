// Says why nobody was signed in. It loads only then: most people never see one of these sentences.
import { Notice } from "../parts/notice.tsx";
import { defineWords, useWords } from "../state/words.ts";

const words = defineWords(
  {
    cancelled: "The sign-in was cancelled. Try again, or use an API key.",
    expired: "The sign-in took too long, or was begun in another browser. Try again.",
    no_email: "The sign-in service did not confirm an e-mail address of yours. Verify it there, then try again.",
    not_allowed: "You have no account here. Ask whoever runs this server for one.",
    disabled: "Your account is disabled. Ask whoever runs this server.",
    unavailable: "The sign-in service does not answer. Try again in a moment.",
    rejected:
      "The sign-in service's answer could not be verified. Try again; if this happens again, tell whoever runs this server.",
    too_many: "Too many attempts to sign in failed. Wait a few minutes, then try again.",
    insecure: "You can only sign in over https. Open this page with https:// and try again.",
    failed: "Signing in did not work. Try again in a moment.",
  },
  {
    cancelled: "登录已取消。请重试，或使用 API 密钥。",
    expired: "登录超时，或是在另一个浏览器中开始的。请重试。",
    no_email: "登录服务没有提供你已验证的邮箱地址。请先在那里验证，然后重试。",
    not_allowed: "你在这里没有账户。请联系服务器管理员开通。",
    disabled: "你的账户已被停用。请联系服务器管理员。",
    unavailable: "登录服务没有响应。请稍后再试。",
    rejected: "无法验证登录服务的答复。请重试；若一直如此，请告知服务器管理员。",
    too_many: "登录失败次数过多。请等几分钟再试。",
    insecure: "只能通过 https 登录。请用 https:// 打开此页面后重试。",
    failed: "登录没有成功。请稍后再试。",
  },
);

/** A code of a later server is said in general. */
export function Refused({ code }: { code: string }) {
  const said: Record<string, string> = useWords(words);
  return <Notice tone="bad">{Object.hasOwn(said, code) ? said[code] : said.failed}</Notice>;
}
