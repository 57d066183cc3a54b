// What the secrets of a project say.
import { defineWords } from "../../state/words.ts";

export const secretWords = defineWords(
  {
    about:
      "Commands in a project's sandbox get these as environment variables. Values are stored encrypted and never shown again.",
    choose: "Choose a project",
    noProject: "No projects yet. A project is made with your first conversation.",
    empty: "No secrets yet. Add an API key or a password that commands need.",
    add: "Add secret",
    replace: "Replace",
    save: "Save secret",
    name: "Name",
    nameHint: "Letters, digits and underscores. For a name already listed, this replaces the value.",
    value: "Value",
    hosts: "Hosts (optional)",
    hostsHint:
      "Separated by spaces, such as api.stripe.com or *.stripe.com. Where this server's sandboxes can keep secrets, the value goes in HTTPS requests to these hosts only.",
    delivered: { secret: "Hidden from programs", env: "Readable in the sandbox" },
    explained: {
      secret: (hosts: string) => `Programs see a placeholder. Only HTTPS requests to ${hosts} get the value.`,
      env: "The agent and every program in the sandbox can read the value. Command output shows *** in its place.",
      unhidden: "This server's sandboxes can't keep it hidden for its hosts.",
    },
    applies:
      "A change applies to commands that start from a few seconds later. Programs that are running keep the old value.",
    changed: (time: string) => `updated ${time}`,
    question: "Delete this secret?",
    follows: (name: string) =>
      `New commands no longer get ${name}. Programs that are running keep it. This can't be undone.`,
    ariaDelete: (name: string) => `Delete the secret ${name}`,
    ariaReplace: (name: string) => `Replace the secret ${name}`,
  },
  {
    about: "项目沙箱里的命令会以环境变量的形式获得这些机密。值加密保存，不会再次显示。",
    choose: "选择项目",
    noProject: "还没有项目。第一次对话时会自动创建。",
    empty: "还没有机密。可以添加命令需要的 API 密钥或密码。",
    add: "添加机密",
    replace: "替换",
    save: "保存机密",
    name: "名称",
    nameHint: "只能包含字母、数字和下划线。如果名称已存在，将替换其值。",
    value: "值",
    hosts: "主机（可选）",
    hostsHint:
      "用空格分隔，例如 api.stripe.com 或 *.stripe.com。如果本服务器的沙箱支持保管机密，则只有发往这些主机的 HTTPS 请求才会带上该值。",
    delivered: { secret: "对程序不可见", env: "沙箱内可读" },
    explained: {
      secret: (hosts: string) => `程序只能看到占位符，只有发往 ${hosts} 的 HTTPS 请求才会换成真实值。`,
      env: "智能体和沙箱里的所有程序都能读取该值。命令输出中会显示为 ***。",
      unhidden: "本服务器的沙箱不支持只对其主机开放。",
    },
    applies: "修改在几秒后启动的命令中生效。正在运行的程序仍使用旧值。",
    changed: (time: string) => `更新于 ${time}`,
    question: "删除这个机密？",
    follows: (name: string) => `新的命令将不再获得 ${name}，正在运行的程序仍会保留。此操作无法撤销。`,
    ariaDelete: (name: string) => `删除机密 ${name}`,
    ariaReplace: (name: string) => `替换机密 ${name}`,
  },
);
