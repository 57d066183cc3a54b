// What the section of the audit says. An act is a verb and its object; the entry adds who, what and whose.
import type { AuditAction } from "../../../protocol/people/audit.ts";
import { defineWords } from "../../state/words.ts";

interface Act {
  /** “Ada deleted the key …” */
  done: string;
  /** “Ada tried to delete the key …”; also the name of the filter. */
  plain: string;
}

const han = /\p{Script=Han}/u;

/** Chinese has a space only beside another script, and none before its quotation marks or after its colon. */
function spaced(...parts: string[]): string {
  return parts.reduce((text, part) => {
    const [last = "", first = ""] = [text.replace(/\u2069$/, "").at(-1), part.replace(/^\u2068/, "").at(0)];
    const isClose = first === "“" || first === "" || last === "：" || (han.test(last) && han.test(first));
    return isClose ? text + part : `${text} ${part}`;
  });
}

export const acts = defineWords<Record<AuditAction, Act>>(
  {
    "session.create": { done: "signed in", plain: "sign in" },
    "session.delete": { done: "ended the session", plain: "end the session" },
    "sign_in.refuse": { done: "was refused sign-in", plain: "sign in" },
    "user.create": { done: "created the user", plain: "create the user" },
    "user.update": { done: "updated the user", plain: "update the user" },
    "user.disable": { done: "disabled the user", plain: "disable the user" },
    "user.enable": { done: "enabled the user", plain: "enable the user" },
    "user.delete": { done: "deleted the user", plain: "delete the user" },
    "api_key.create": { done: "created the key", plain: "create a key" },
    "api_key.delete": { done: "deleted the key", plain: "delete the key" },
    "git_credential.set": { done: "saved the Git credential for", plain: "save the Git credential for" },
    "git_credential.delete": { done: "deleted the Git credential for", plain: "delete the Git credential for" },
    "sandbox_secret.set": { done: "saved the project secret", plain: "save the project secret" },
    "sandbox_secret.delete": { done: "deleted the project secret", plain: "delete the project secret" },
    "trigger.create": { done: "created the trigger", plain: "create a trigger" },
    "trigger.update": { done: "updated the trigger", plain: "update the trigger" },
    "trigger.delete": { done: "deleted the trigger", plain: "delete the trigger" },
    "trigger.rotate_secret": { done: "rotated the secret of the trigger", plain: "rotate the secret of the trigger" },
    "webhook.create": { done: "created the notification endpoint", plain: "create a notification endpoint" },
    "webhook.update": { done: "updated the notification endpoint", plain: "update the notification endpoint" },
    "webhook.delete": { done: "deleted the notification endpoint", plain: "delete the notification endpoint" },
    "webhook.rotate_secret": {
      done: "rotated the secret of the notification endpoint",
      plain: "rotate the secret of the notification endpoint",
    },
    "preview.create": { done: "created a link to port", plain: "create a link to port" },
    "preview.delete": { done: "revoked the link to port", plain: "revoke the link to port" },
    "ssh_access.create": { done: "opened SSH access to", plain: "open SSH access to" },
    "ssh_access.delete": { done: "ended SSH access to", plain: "end SSH access to" },
    "slack_workspace.connect": { done: "connected the Slack workspace", plain: "connect a Slack workspace" },
    "slack_workspace.update": { done: "updated the Slack workspace", plain: "update the Slack workspace" },
    "slack_workspace.disconnect": { done: "disconnected the Slack workspace", plain: "disconnect the Slack workspace" },
    "approval.approve": { done: "approved the tool call", plain: "approve the tool call" },
    "approval.deny": { done: "declined the tool call", plain: "decline the tool call" },
    "thread.expire": { done: "deleted old threads", plain: "delete old threads" },
    "run.cancel": { done: "cancelled the run", plain: "cancel the run" },
    "checks.run": { done: "ran checks again in the thread", plain: "run checks again in the thread" },
  },
  {
    "session.create": { done: "登录了", plain: "登录" },
    "session.delete": { done: "结束了会话", plain: "结束会话" },
    "sign_in.refuse": { done: "登录被拒绝", plain: "登录" },
    "user.create": { done: "创建了用户", plain: "创建用户" },
    "user.update": { done: "修改了用户", plain: "修改用户" },
    "user.disable": { done: "停用了用户", plain: "停用用户" },
    "user.enable": { done: "启用了用户", plain: "启用用户" },
    "user.delete": { done: "删除了用户", plain: "删除用户" },
    "api_key.create": { done: "创建了密钥", plain: "创建密钥" },
    "api_key.delete": { done: "删除了密钥", plain: "删除密钥" },
    "git_credential.set": { done: "保存了 Git 凭据", plain: "保存 Git 凭据" },
    "git_credential.delete": { done: "删除了 Git 凭据", plain: "删除 Git 凭据" },
    "sandbox_secret.set": { done: "保存了项目机密", plain: "保存项目机密" },
    "sandbox_secret.delete": { done: "删除了项目机密", plain: "删除项目机密" },
    "trigger.create": { done: "创建了触发器", plain: "创建触发器" },
    "trigger.update": { done: "修改了触发器", plain: "修改触发器" },
    "trigger.delete": { done: "删除了触发器", plain: "删除触发器" },
    "trigger.rotate_secret": { done: "轮换了触发器的密钥", plain: "轮换触发器的密钥" },
    "webhook.create": { done: "创建了通知地址", plain: "创建通知地址" },
    "webhook.update": { done: "修改了通知地址", plain: "修改通知地址" },
    "webhook.delete": { done: "删除了通知地址", plain: "删除通知地址" },
    "webhook.rotate_secret": { done: "轮换了通知地址的密钥", plain: "轮换通知地址的密钥" },
    "preview.create": { done: "创建了端口链接", plain: "创建端口链接" },
    "preview.delete": { done: "撤销了端口链接", plain: "撤销端口链接" },
    "ssh_access.create": { done: "开通了 SSH 访问", plain: "开通 SSH 访问" },
    "ssh_access.delete": { done: "终止了 SSH 访问", plain: "终止 SSH 访问" },
    "slack_workspace.connect": { done: "连接了 Slack 工作区", plain: "连接 Slack 工作区" },
    "slack_workspace.update": { done: "修改了 Slack 工作区", plain: "修改 Slack 工作区" },
    "slack_workspace.disconnect": { done: "断开了 Slack 工作区", plain: "断开 Slack 工作区" },
    "approval.approve": { done: "批准了工具调用", plain: "批准工具调用" },
    "approval.deny": { done: "拒绝了工具调用", plain: "拒绝工具调用" },
    "thread.expire": { done: "删除了过期的会话", plain: "删除过期的会话" },
    "run.cancel": { done: "取消了运行", plain: "取消运行" },
    "checks.run": { done: "在会话中重新运行了检查", plain: "在会话中重新运行检查" },
  },
);

/** What one action is called in some cases. */
export const cases = defineWords<
  Record<"sign_out" | "all_sessions" | "first_sign_in" | "raise_cap" | "keep_cap" | "say_yes" | "say_no", Act>
>(
  {
    sign_out: { done: "signed out", plain: "sign out" },
    all_sessions: { done: "ended all sessions", plain: "end all sessions" },
    first_sign_in: { done: "signed in for the first time", plain: "sign in for the first time" },
    raise_cap: { done: "raised the limit of run", plain: "raise the limit of run" },
    keep_cap: { done: "declined to raise the limit of run", plain: "decline to raise the limit of run" },
    say_yes: { done: "said yes to the finished work of run", plain: "say yes to the finished work of run" },
    say_no: { done: "said no to the finished work of run", plain: "say no to the finished work of run" },
  },
  {
    sign_out: { done: "退出了登录", plain: "退出登录" },
    all_sessions: { done: "结束了所有会话", plain: "结束所有会话" },
    first_sign_in: { done: "首次登录", plain: "首次登录" },
    raise_cap: { done: "提高了运行上限：", plain: "提高运行上限：" },
    keep_cap: { done: "拒绝提高运行上限：", plain: "拒绝提高运行上限：" },
    say_yes: { done: "认可了运行的成果：", plain: "认可运行的成果：" },
    say_no: { done: "没有认可运行的成果：", plain: "否定运行的成果：" },
  },
);

export const words = defineWords(
  {
    about:
      "Who did what in this account, from where and with which key. Entries can't be changed. Old ones are deleted.",
    aboutAll: "Who did what, from where and with which key. Entries can't be changed. Old ones are deleted.",
    empty: "No matching entries.",
    whose: "Account",
    everybody: "All accounts",
    action: "Action",
    anything: "All actions",
    since: "From",
    until: "To",
    did: (who: string, act: string, what: string) => [who, act, what].filter(Boolean).join(" "),
    tried: (who: string, act: string, what: string) => [who, "tried to", act, what].filter(Boolean).join(" "),
    of: (sentence: string, name: string) => `${sentence} (${name}'s account)`,
    name: (name: string) => `“${name}”`,
    unknownAct: (action: string) => `did “${action}”`,
    you: "You",
    agent: "The agent",
    server: "The server",
    somebodyInSlack: "Someone in Slack",
    somebody: "Someone",
    refused: "Refused",
    unknown: "Outcome unknown",
    by: (key: string) => `with the key ${key}`,
    bySession: "in a session",
    byAdminKey: "with the admin key",
    from: (address: string) => `from ${address}`,
    fields: (names: string) => `fields: ${names}`,
    limits: (given: string) => `limits: ${given}`,
    quotas: (given: string) => `quotas: ${given}`,
    withMade: "including what it created",
    copied: "its cookie was used after being replaced",
    email: (email: string) => `with the email ${email}`,
    reason: (code: string) => `reason: ${code}`,
  },
  {
    about: "谁在此账户中做了什么、来自哪里、使用哪个密钥。记录无法修改，到期后自动删除。",
    aboutAll: "谁做了什么、来自哪里、使用哪个密钥。记录无法修改，到期后自动删除。",
    empty: "没有匹配的记录。",
    whose: "账户",
    everybody: "所有账户",
    action: "操作",
    anything: "所有操作",
    since: "开始日期",
    until: "结束日期",
    did: (who, act, what) => spaced(who, act, what),
    tried: (who, act, what) => spaced(who, `试图${act}`, what),
    of: (sentence, name) => `${sentence}（${name} 的账户）`,
    name: (name) => `“${name}”`,
    unknownAct: (action) => `执行了“${action}”`,
    you: "你",
    agent: "智能体",
    server: "服务器",
    somebodyInSlack: "Slack 中的某人",
    somebody: "某人",
    refused: "被拒绝",
    unknown: "结果未知",
    by: (key) => `使用密钥 ${key}`,
    bySession: "通过登录会话",
    byAdminKey: "使用管理员密钥",
    from: (address) => `来自 ${address}`,
    fields: (names) => `字段：${names}`,
    limits: (given) => `上限：${given}`,
    quotas: (given) => `配额：${given}`,
    withMade: "并撤销它创建的内容",
    copied: "其 Cookie 在更换后仍被使用",
    email: (email) => `邮箱：${email}`,
    reason: (code) => `原因：${code}`,
  },
);
