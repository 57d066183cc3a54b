import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRunner, type Runner } from "./program-files.ts";

const runners: [Runner, string[]][] = [
  [
    "git",
    [
      ".git/config",
      "shop/.git/info/attributes",
      "shop/.git/hooks/pre-commit",
      "shop/.git",
      ".git/modules/x/config",
      "/home/dev/.gitconfig",
      "~/.gitconfig-work",
      "shop/.gitattributes",
      "shop/.gitmodules",
    ],
  ],
  [
    "hook",
    [
      ".husky/pre-commit",
      ".husky/_/husky.sh",
      ".githooks/x",
      "git-hooks/x",
      "githooks/x",
      "tools/hooks/pre-push",
      "hooks/commit-msg",
      ".pre-commit-config.yaml",
      "lefthook.yml",
      ".lefthook-local.toml",
      ".lintstagedrc.json",
      "lint-staged.config.mjs",
    ],
  ],
  [
    "shell",
    [
      ".bashrc",
      "~/.bash_profile",
      "/root/.bash_logout",
      ".profile",
      ".zshenv",
      ".zshrc.local",
      ".kshrc",
      "a/.envrc",
      ".inputrc",
      ".mise.toml",
      "mise.local.toml",
      "~/.zprofile",
      ".zlogin",
      ".zlogout",
      ".zcompdump-host-5.9",
      "~/.selected_editor",
      "~/.mavenrc",
      ".oh-my-zsh/custom/a.zsh",
    ],
  ],
  [
    "start",
    [
      "~/.ssh/config",
      "~/.tool-versions",
      ".ssh/authorized_keys",
      ".config/git/config",
      "~/.config/fish/config.fish",
      "~/.config/systemd/user/a.service",
      "~/.config/go/env",
      "~/.local/bin/git",
      ".local/lib/python3.12/site-packages/a.pth",
      ".gnupg/gpg-agent.conf",
      ".cargo/config.toml",
      ".rustup/settings.toml",
      ".vimrc",
      ".gdbinit",
      "sitecustomize.py",
      "lib/usercustomize.py",
      "venv/lib/site-packages/x.pth",
      "/var/spool/cron/crontab",
      "shop/.hg/hgrc",
      "~/.hgrc",
      "~/.gradle/init.gradle",
      "~/.ipython/profile_default/startup/a.py",
      ".pdbrc",
      "~/.pam_environment",
      "~/.asdfrc",
      "~/.subversion/config",
      "~/.rvm/hooks/after_cd",
      "~/.tmux/plugins/a/a.tmux",
      "~/.terraform.d/plugins/x",
      "~/.lesskey",
      "~/.forward",
      "~/.my.cnf",
      ".erlang",
      ".Renviron",
      "src/.dir-locals-2.el",
    ],
  ],
  [
    "ci",
    [
      ".github/workflows/ci.yml",
      ".github/actions/a/action.yml",
      ".gitlab-ci.yml",
      "ci/build.gitlab-ci.yml",
      ".gitlab/ci/x.yml",
      ".circleci/config.yml",
      ".travis.yml",
      "azure-pipelines.yml",
      "bitbucket-pipelines.yml",
      "Jenkinsfile",
      ".buildkite/pipeline.yml",
      ".gitea/workflows/a.yaml",
      ".woodpecker.yml",
      ".drone.yml",
      ".readthedocs.yaml",
    ],
  ],
  [
    "editor",
    [
      ".vscode/tasks.json",
      ".devcontainer/devcontainer.json",
      ".idea/workspace.xml",
      ".claude/settings.json",
      ".cursor/mcp.json",
      ".mcp.json",
      "a.code-workspace",
      "~/.vscode-server/data/Machine/settings.json",
      ".kiro/hooks/a.json",
      ".gitpod.yml",
      ".replit",
      ".idx/dev.nix",
      ".codesandbox/tasks.json",
    ],
  ],
];

const harmless = [
  "src/index.ts",
  "package.json",
  "Makefile",
  ".gitignore",
  ".env",
  ".npmrc",
  ".github/CODEOWNERS",
  ".github/ISSUE_TEMPLATE/bug.md",
  "src/hooks/useCart.ts",
  "hooks/update",
  "git/config",
  "config",
  "bin/cli.js",
  "bashrc",
  "ssh/config",
  "digit/.gitkeep",
  "model.pth",
  "docs/pre-commit.md",
  "AGENTS.md",
  "a.git.md",
  "shop/my.github/workflows/a",
  ".prettierrc",
  ".eslintrc.json",
  ".dockerignore",
];

describe("a file that makes programs run", () => {
  it.each(runners.flatMap(([runner, paths]) => paths.map((path) => [path, runner] as const)))(
    "%s: %s",
    (path, runner) => {
      expect(findRunner(path)).toBe(runner);
    },
  );

  it.each([".github", "shop/.GitHub/", "a/../.gitea", "venv/lib/python3/site-packages"])(
    "may come with a folder: %s",
    (path) => {
      expect([findRunner(path), findRunner(path, true)]).toEqual([null, expect.any(String)]);
    },
  );

  it.each(harmless)("is not %s", (path) => {
    expect(findRunner(path)).toBeNull();
  });

  it.each([
    "./x/../.git/config",
    "shop//.git///config",
    "shop/.git/config/",
    "/workspace/./shop/.git/./config",
    "a/b/../../.GIT/config",
    "shop/.Git/CONFIG",
    "shop/.g\u200cit/config",
    "shop/\ufeff.git/config",
    "shop/\uff0egit/config",
    "shop/.gi\u0054/config",
    "shop/.g\u0131t/config",
    ".hu\u017fky/pre-commit",
    ".hus\u212ay/pre-commit",
    " .git/config",
    "shop/.git /config",
    "../../.git/config",
    "~/../x/.git/config",
    "/proc/self/cwd/a",
    "/x/../proc/1/root/a",
  ])("is known as %j", (path) => {
    expect(findRunner(path)).not.toBeNull();
  });

  it("is known in any spelling that a file system may take for the same", () => {
    const known = fc.constantFrom(...runners.flatMap(([, paths]) => paths));
    const noise = fc.constantFrom("", "./", "x/../", "/", ".//", "a/b/../../");
    const joiner = fc.constantFrom("", "\u200b", "\u200d", "\ufeff", "\u00ad");
    const spell = (name: string, kind: number): string => {
      const spelled = [name, name.toUpperCase(), name.normalize("NFD"), name.replace(/[a-z]/g, toFullWidth)];
      return spelled[kind % spelled.length] ?? name;
    };
    const spelling = fc.tuple(known, fc.infiniteStream(noise), fc.infiniteStream(joiner), fc.infiniteStream(fc.nat(3)));
    fc.assert(
      fc.property(spelling, ([path, noises, joiners, kinds]) => {
        const parts = path.split("/").map((name) => {
          const before = name === "" || name === "~" ? "" : noises.next().value;
          return name === "~" ? name : `${before}${spell(name, kinds.next().value)}${name && joiners.next().value}`;
        });
        expect(findRunner(parts.join("/")), parts.join("/")).not.toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it("is never found by what does not stand in the path as it ends up", () => {
    for (const path of harmless) {
      for (const [, paths] of runners)
        for (const left of paths.filter((each) => !/^[~/]/.test(each)))
          expect(findRunner(`${left}/${"../".repeat(left.split("/").length)}${path}`), left).toBeNull();
    }
  });
});

function toFullWidth(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) + 0xfee0);
}
