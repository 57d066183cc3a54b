// What a person reads of a call that would make programs run without a command.
import { cutMiddle } from "../../../lib/truncate.ts";
import type { HiddenCommand } from "./hidden-commands.ts";
import type { Runner } from "./program-files.ts";

const reasons: Record<Runner, [english: string, chinese: string]> = {
  git: ["git runs programs that it names or chooses", "git 会运行它所指定或选择的程序"],
  hook: ["git runs it as a hook, or a hook reads it", "git 会把它当作钩子运行，或钩子会读取它"],
  shell: ["shells run it when they start", "shell 启动时会运行它"],
  start: ["programs read it when they start, and run what it names", "程序启动时会读取它，并运行其中指定的命令"],
  ci: ["CI runs it once it is pushed", "推送后 CI 会运行它"],
  editor: ["editors and other agents run what it names", "编辑器和其他智能体会运行其中指定的命令"],
  path: ["programs are looked up in its folder", "系统会在它所在的文件夹中查找程序"],
  system: ["it is among the system's files", "它属于系统文件"],
  home: ["it brings files into the home folder", "它会把文件放进主目录"],
  pipe: ["a running program may read it as its input", "正在运行的程序可能把它当作输入"],
  unknown: ["where it leads can't be determined", "无法确定它指向哪里"],
};

/** The end of a path says which file it is. */
const SHOWN_CHARACTERS = 300;

const show = (path: string) => cutMiddle(path, SHOWN_CHARACTERS, () => "…");

export function describeHidden({ runner, ...hidden }: HiddenCommand, chinese: boolean): string {
  const [english, other] = reasons[runner];
  const path = show(hidden.path);
  const real = hidden.real === null ? null : show(hidden.real);
  if (chinese) return `需要像命令一样批准：${path}${real === null ? "" : `（指向 ${real}）`}：${other}。`;
  const place = real === null ? path : `${path} (which leads to ${real})`;
  return `It needs approval as commands do, because it can make programs run. ${place}: ${english}.`;
}
