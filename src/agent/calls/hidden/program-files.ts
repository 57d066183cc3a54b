// Files that make programs run without a command: git's settings and hooks, what shells and other programs read when
// they start, what CI and editors run, and folders in which programs are looked up. Writing one needs approval as a
// command does.
//
// A name counts in every folder, since nobody knows which folder is a home or a repository until the sandbox is asked.
// What an approved command runs by itself (package.json, Makefile, a test) is part of that command and is not here.
import type { SandboxPlace, SandboxPlaces } from "../../sandbox.ts";
import { normalizePath } from "../approvals.ts";

/** What runs the program. */
export type Runner =
  | "git"
  | "hook"
  | "shell"
  | "start"
  | "ci"
  | "editor"
  | "system"
  | "path"
  | "home"
  | "pipe"
  | "unknown";

const names = (runner: Runner, ...patterns: string[]): [RegExp, Runner] => [
  new RegExp(`/(?:${patterns.join("|")})(?:/|$)`),
  runner,
];
/** The last name only. */
const files = (runner: Runner, ...patterns: string[]): [RegExp, Runner] => [
  new RegExp(`/(?:${patterns.join("|")})$`),
  runner,
];

// Matched in lower case, from the root or the work dir, which is the leading slash. Tried in this order.
const rules: [RegExp, Runner][] = [
  // Filters and merge drivers are chosen by attributes, repositories inside of others by .gitmodules.
  names("git", "\\.git", "\\.gitconfig[^/]*", "\\.gitattributes", "\\.gitmodules"),
  names("hook", "\\.husky", "\\.?git-?hooks", "\\.lefthook"),
  // `update` is left out: a hook of servers only, and a usual name.
  files(
    "hook",
    "(?:pre-|post-)?applypatch(?:-msg)?",
    "pre-(?:commit|merge-commit|rebase|push|receive|auto-gc)",
    "post-(?:commit|checkout|merge|receive|update|rewrite|index-change)",
    "(?:prepare-)?commit-msg",
    "proc-receive",
    "reference-transaction",
    "push-to-checkout",
    "sendemail-validate",
    "fsmonitor-watchman",
    // What existing hooks read.
    "\\.pre-commit-config\\.ya?ml",
    "\\.?lefthook(?:-local)?\\.(?:ya?ml|toml|json)",
    "(?:\\.lintstagedrc|\\.huskyrc|lint-staged\\.config|\\.?simple-git-hooks|\\.overcommit)[^/]*",
  ),
  names(
    "shell",
    "\\.(?:ba|z|k|mk|c|tc|a)sh[^/]*",
    "\\.z(?:profile|login|logout|compdump[^/]*|imrc|im|preztorc|prezto)",
    "\\.p10k\\.zsh",
    "\\.oh-my-[^/]+",
    "\\.(?:login|logout|inputrc|envrc)",
    "\\.profile[^/]*",
    "\\.x(?:profile|initrc|clients|session|sessionrc)",
    "\\.(?:selected_editor|mavenrc|quiltrc|devscripts|pbuilderrc)",
    "\\.?mise(?:\\.[^/]+)?\\.toml",
    "\\.mise",
  ),
  // Settings of programs in a home: .ssh runs ProxyCommand and lets people in, .gnupg a pinentry, .kube and .aws
  // helpers for credentials, .config and .local hold git's and many others', and start-up entries. Version managers
  // decide which program a name means.
  names(
    "start",
    "\\.tool-versions",
    "\\.ssh",
    "\\.gnupg",
    "\\.config",
    "\\.local",
    "\\.kube",
    "\\.aws",
    "\\.emacs\\.d",
    "\\.n?vim",
  ),
  names("start", "\\.(?:cargo|rustup|nvm|pyenv|rbenv|asdf|volta|sdkman|jenv|goenv|nodenv|bun|deno|npm-global)"),
  names("start", "\\.(?:ghcup|cabal|opam|krew|dotnet|conda|gradle|m2|ipython|jupyter|julia|nix-profile|node_modules)"),
  names("start", "\\.(?:rvm|fnm|gvm|proto|pixi|rye|tfenv|phpenv|plenv|foundry|pub-cache|stack|luarocks|gem|composer)"),
  names("start", "\\.(?:tmux|vagrant\\.d|terraform\\.d|ansible|sbt|lein|guile|helm)"),
  // Settings of other version control, with hooks or programs to compare with.
  names("start", "\\.(?:hg|jj|subversion)"),
  files(
    "start",
    "\\.(?:g?vim|nvim|ex|screen|psql|sqlite|wget|curl|irb|pry|python|pdb|byebug|gem|conda|hg|octave|sbcl|terraform|r)rc(?:\\.py)?",
    "\\.(?:emacs|tmux\\.conf|gdbinit|lldbinit|rprofile|mailcap|lessfilter|nvim\\.lua|dir-locals\\.el|ghci|iex\\.exs)",
    "\\.(?:pam_environment|ansible\\.cfg|fzf\\.(?:bash|zsh)|bunfig\\.toml|asdfrc|rvmrc|prototools)",
    "\\.(?:lesskey|less|erlang|forward|procmailrc|my\\.cnf|mylogin\\.cnf|rpmmacros|sbuildrc|ocamlinit|gdbearlyinit|perldb)",
    "\\.(?:renviron|mailrc|muttrc|nanorc|lvimrc|dir-locals-2\\.el)",
    "(?:site|user)customize\\.py",
    "(?:site|dist)-packages/[^/]+\\.pth",
    "crontab",
  ),
  names(
    "ci",
    "\\.(?:github|gitea|forgejo)/(?:workflows|actions)",
    "\\.(?:gitlab|circleci|buildkite|woodpecker|tekton)",
  ),
  names("ci", "\\.(?:semaphore|teamcity|builds|azure-?pipelines|azuredevops)"),
  files(
    "ci",
    "[^/]*\\.gitlab-ci\\.ya?ml",
    "\\.?(?:travis|drone|woodpecker|appveyor|cirrus|build|azure-pipelines|bitbucket-pipelines)\\.(?:ya?ml|star)",
    "(?:cloudbuild|buildspec|codemagic|bitrise|wercker|codefresh|\\.?readthedocs|\\.?zuul)\\.ya?ml",
    "jenkinsfile[^/]*",
  ),
  // Tasks on opening a folder, interpreters, and servers and hooks of other agents.
  names("editor", "\\.(?:vscode|cursor|windsurf)(?:-server)?", "\\.(?:idea|fleet|zed|devcontainer|vs|theia)"),
  names("editor", "\\.(?:claude|codex|gemini|kiro|opencode|roo|amazonq|junie|qwen|continue|trae)"),
  names("editor", "\\.(?:idx|codesandbox|helix|nova)"),
  files("editor", "[^/]+\\.code-workspace", "\\.(?:devcontainer|mcp)\\.json", "opencode\\.jsonc?"),
  files("editor", "\\.gitpod\\.ya?ml", "\\.aider\\.conf\\.ya?ml", "\\.(?:replit|stackblitzrc)"),
];

/** Folders that a rule above names with what is in them: a folder that becomes one may bring that. */
const treeRules: [RegExp, Runner][] = [
  files("ci", "\\.(?:github|gitea|forgejo)"),
  files("start", "(?:site|dist)-packages"),
];

/** Only directly in the home folder: folders on the PATH of login shells, and settings with usual names. */
const homeRules: [RegExp, Runner][] = [
  [/^\/(?:go\/)?bin(?:\/|$)/, "path"],
  [/^\/go$/, "path"],
  [/^\/\.(?:docker|npmrc)(?:\/|$)/, "start"],
];
/** In a home that is not the work dir, which has files of projects: nobody can list what programs read there. */
const homeSettings = /^\/\./;
/** Paths there lead anywhere, depending on who asks: /proc/self/cwd. */
const kernelFolders = /^\/(?:proc|sys)(?:\/|$)/;
/** Not /home, /tmp, /mnt, /srv and others, which hold data. */
const systemFolders = /^\/(?:bin|boot|dev|etc|lib\w*|opt|proc|root|run|sbin|sys|usr|var\/(?!tmp\/|www\/))/;

type Surroundings = Omit<SandboxPlaces, "places">;

/** By its text alone; null if nothing runs such a file. `is_tree`: what is below the path is written, too. */
export function findRunner(path: string, is_tree = false): Runner | null {
  return kernelFolders.test(normalizePath(path)) ? "system" : findByName(fold(path), is_tree);
}

function findByName(folded: string, is_tree: boolean): Runner | null {
  const all = is_tree ? [...rules, ...treeRules] : rules;
  return all.find(([pattern]) => pattern.test(folded))?.[1] ?? null;
}

/** By where it is. */
export function findRunnerOf({ real, role }: SandboxPlace, around: Surroundings, is_tree: boolean): Runner | null {
  if (real === null) return "unknown";
  if (role !== null) return role === "git_dir" || role === "settings" ? "git" : role;
  const [path, work, home] = [fold(real), fold(around.work), fold(around.home)];
  const [inWork, inHome] = [work === "/" ? null : below(path, work), below(path, home)];
  // What is above the work dir says nothing: it may be in a folder such as ~/.local.
  const named = findByName(inWork ?? inHome ?? path, is_tree);
  if (named !== null) return named;
  if (is_tree && below(home, path) !== null) return "home";
  const inOwn = inHome === null ? undefined : homeRules.find(([pattern]) => pattern.test(inHome));
  if (inOwn !== undefined) return inOwn[1];
  if (inWork === null && inHome !== null && homeSettings.test(inHome)) return "start";
  if (around.search_path.some((folder) => isSearched(path, folder, is_tree))) return "path";
  // A home at the root, as of users without one, holds the system.
  if (inWork !== null || (inHome !== null && home !== "/")) return null;
  return systemFolders.test(path) || path.lastIndexOf("/") === 0 ? "system" : null;
}

/** A relative folder of PATH is one in any folder that a command starts in; `.` is every folder. */
function isSearched(path: string, folder: string, is_tree: boolean): boolean {
  if (folder.startsWith("/")) {
    const place = fold(folder);
    return below(path, place) !== null || (is_tree && below(place, path) !== null);
  }
  const [, ...parts] = fold(folder).split("/");
  const end = parts.slice(parts.lastIndexOf("..") + 1).filter((part) => part !== "");
  const isTop = is_tree && end.some((_, at) => path.endsWith(`/${end.slice(0, at + 1).join("/")}`));
  return isTop || `${path}/`.includes(end.length === 0 ? "/" : `/${end.join("/")}/`);
}

/** The path from the folder on, with a leading slash; null if it is not in it. */
function below(path: string, folder: string): string | null {
  if (path === folder) return "/";
  const start = folder === "/" ? "/" : `${folder}/`;
  return path.startsWith(start) ? path.slice(start.length - 1) : null;
}

/**
 * As file systems compare names that ignore case (macOS): full case folding, compatibility forms as one, characters that
 * are not seen left out. A name that only looks alike is asked about once too often.
 */
function fold(path: string): string {
  const parts = normalizePath(path)
    .split("/")
    .map((name) =>
      name
        .normalize("NFKC")
        .replace(/\p{Default_Ignorable_Code_Point}|\p{Cc}/gu, "")
        .toUpperCase()
        .toLowerCase()
        .trim(),
    );
  return `/${parts.filter((name) => name !== "" && name !== "~").join("/")}`;
}
