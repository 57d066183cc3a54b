// What a person who waits for the sandbox reads. The server's sentences are English; its other lines are of a build.

const [making, starting, restoring, building, later] = [
  "正在创建沙箱…",
  "正在启动沙箱…",
  "正在从归档恢复沙箱…",
  "正在构建沙箱镜像…",
  "沙箱正在停止，随后会重新启动…",
];

const chinese: Record<string, string> = {
  none: making,
  creating: making,
  destroying: "正在删除之前的沙箱…",
  stopped: starting,
  starting,
  paused: starting,
  resuming: starting,
  archived: restoring,
  restoring,
  archiving: later,
  stopping: later,
  pausing: later,
  error: "沙箱出错，正在恢复…",
  build_failed: "沙箱镜像构建失败，正在重新构建…",
  pending_build: building,
  building_snapshot: building,
  pulling_snapshot: "正在拉取沙箱镜像…",
};

export function saySandbox(language: "en" | "zh", { state, message }: { state: string; message: string }): string {
  const isSentence = /^(?:The|A) [^\n]*\bsandbox\b/.test(message);
  return language === "zh" && isSentence ? (chinese[state] ?? "正在等待沙箱…") : message;
}
