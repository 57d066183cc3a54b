// Git in the sandbox. The layer below these tools supplies passwords to remotes: no argument takes one and no result
// contains one.
import { z } from "zod";
import { lenientObject } from "../agent/calls/leniency.ts";
import { quoteNotes } from "../agent/context/environment.ts";
import type { ProjectNotes, Sandbox } from "../agent/sandbox.ts";
import type { GitCheckout, GitStatus, SandboxGit } from "../agent/sandbox-git.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../agent/tool.ts";
import { readGitAddress } from "../lib/git-address.ts";

// The first call of a run may have to create or start the sandbox.
const TIME_LIMIT_MS = 180_000;
/** Enough to clone some hundred megabytes, after the sandbox has started. */
const TRANSFER_LIMIT_MS = 300_000;
/** Enough of a status to see what is under way. The rest is counted. */
const SHOWN_CHANGES = 200;
const MAX_MESSAGE_CHARACTERS = 10_000;
const MAX_NAME_CHARACTERS = 200;

const path = z.string().optional().describe("The repository's folder; left out: the project's own, or the only one");
const branch = z.string().min(1);
const pathAliases = { path: ["repo_path", "repository", "repo", "directory", "dir", "folder", "cwd"] };
const branchAliases = { branch: ["branch_name", "ref"] };
const gitTool = { kind: "work", read_only: false, time_limit_ms: TIME_LIMIT_MS } as const;

const cloneInput = lenientObject(
  {
    url: z
      .string()
      .min(1)
      .describe("https address; a page of a branch on GitHub, GitLab, Bitbucket or Gitea is understood"),
    path: z.string().optional().describe("Folder to clone into; left out: the repository's name"),
    branch: branch.optional().describe("Left out: the default branch"),
  },
  {
    aliases: {
      url: ["repo_url", "repository_url", "repository", "repo", "clone_url"],
      path: ["directory", "dir", "folder", "destination", "target"],
      ...branchAliases,
    },
  },
);

const commitInput = lenientObject(
  {
    message: z.string().min(1).max(MAX_MESSAGE_CHARACTERS),
    path,
    files: z.array(z.string().min(1)).optional().describe("Left out: everything that is changed"),
    author_name: z.string().max(MAX_NAME_CHARACTERS).optional(),
    author_email: z.string().max(MAX_NAME_CHARACTERS).optional(),
    run_hooks: z.boolean().default(false).describe("Run the repository's hooks, such as pre-commit"),
  },
  {
    aliases: {
      ...pathAliases,
      message: ["commit_message", "msg"],
      files: ["paths", "file"],
      author_name: ["author"],
      author_email: ["email"],
      run_hooks: ["hooks", "verify"],
    },
  },
);

const branchInput = lenientObject(
  {
    path,
    name: branch.optional().describe("Left out: the branches are listed"),
    create: z.boolean().default(false).describe("Make it from what is checked out, and check it out"),
    checkout: z.boolean().default(true).describe("Check it out; what happens where nothing else is said"),
    delete: z.boolean().default(false),
  },
  { aliases: { ...pathAliases, name: ["branch", "branch_name"] } },
);

const transferInput = lenientObject(
  { path, branch: branch.optional().describe("The one that is checked out") },
  {
    aliases: { ...pathAliases, ...branchAliases },
  },
);

export const gitTools: Tool[] = [
  defineTool({
    ...gitTool,
    name: "git_clone",
    description:
      "Clone a git repository into the sandbox. For a private one the credential that the person has stored for the host is used; never put a password into the address. The project's own repository is there already.",
    schema: cloneInput,
    recovery: "report",
    time_limit_ms: TRANSFER_LIMIT_MS,
    writes: (input) => [{ path: folderOf(input), text: null, is_tree: true }],
    execute: clone,
  }),
  defineTool({
    ...gitTool,
    name: "git_status",
    description: "Show the branch, what is changed, and how many commits the remote lacks or has more.",
    schema: lenientObject({ path }, { aliases: pathAliases }),
    read_only: true,
    recovery: "repeat",
    execute: async (input, context) => showStatus(await gitOf(context).status(input.path ?? null, context.signal)),
  }),
  defineTool({
    ...gitTool,
    name: "git_commit",
    description:
      "Stage what is changed, or only the given files, and commit it. Only if the person asked for a commit.",
    schema: commitInput,
    recovery: "report",
    execute: commit,
  }),
  defineTool({
    ...gitTool,
    name: "git_push",
    description:
      "Push the branch that is checked out to the remote `origin`, with the credential stored for its host. Only if the person asked for it.",
    schema: transferInput,
    // The push may have happened, so the model checks.
    recovery: "report",
    time_limit_ms: TRANSFER_LIMIT_MS,
    execute: async (input, context) => {
      const at = await gitOf(context).push(input.path ?? null, input.branch ?? null, context.signal);
      const hooks = at.skipped_hooks ?? [];
      const skipped =
        hooks.length === 0
          ? ""
          : ` The hook ${hooks.join(", ")} did not run: what it does, such as uploading the files of Git LFS, is left to a command.`;
      return succeed(`Pushed ${at.branch ?? "it"} of ${at.path} to origin.${skipped}${noteOf(at)}`, {
        path: at.path,
        branch: at.branch,
      });
    },
  }),
  defineTool({
    ...gitTool,
    name: "git_pull",
    description: "Bring the branch that is checked out up to date with the remote `origin`.",
    schema: transferInput,
    // A second pull changes nothing.
    recovery: "repeat",
    time_limit_ms: TRANSFER_LIMIT_MS,
    execute: async (input, context) => {
      const at = await gitOf(context).pull(input.path ?? null, input.branch ?? null, context.signal);
      const { path, branch, commits } = at;
      const what = `${branch ?? "it"} of ${path}`;
      const text =
        commits === undefined
          ? `Pulled ${what} from origin.`
          : commits === 0
            ? `Nothing to pull: ${what} has all that origin has.`
            : `Pulled ${commits} commit${commits === 1 ? "" : "s"} into ${what} from origin.`;
      return succeed(text + noteOf(at), { path, branch, ...(commits === undefined ? {} : { commits }) });
    },
  }),
  defineTool({
    ...gitTool,
    name: "git_branch",
    description: "List branches, or check one out, make one (create) or delete one (delete) by its name.",
    schema: branchInput,
    recovery: "report",
    execute: changeBranch,
  }),
];

async function clone(
  input: { url: string; path?: string | undefined; branch?: string | undefined },
  context: ToolContext,
): Promise<ToolResult> {
  const { sandbox, signal } = context;
  const address = readGitAddress(input.url);
  if ("wrong" in address) return refuse(`The url ${address.wrong}.`);
  const branches = input.branch === undefined ? address.branches : [input.branch];
  const at = await gitOf(context).clone({ url: address.url, path: folderOf(input), branches }, signal);
  const notes = await readNotes(sandbox, at.path, signal);
  const where = at.branch === null ? at.path : `${at.path} (branch ${at.branch})`;
  const details = { url: address.url, path: at.path, branch: at.branch };
  return succeed(
    `Cloned ${address.url} into ${where}.${noteOf(at)}${notes === null ? "" : `\n${quoteNotes(notes)}`}`,
    details,
  );
}

function gitOf({ sandbox: { git }, runs_no_programs = false }: ToolContext): SandboxGit {
  return runs_no_programs ? (git.restricted ?? git) : git;
}

/** Where a clone goes, and what is asked about it before. An address that is read again may have another name. */
function folderOf({ url, path: given }: { url: string; path?: string | undefined }): string {
  const address = readGitAddress(url);
  return given || ("wrong" in address ? "." : address.name);
}

/** The clone has succeeded, whatever comes of this. */
async function readNotes(sandbox: Sandbox, folder: string, signal: AbortSignal): Promise<ProjectNotes | null> {
  try {
    return (await sandbox.readNotes?.(folder, signal)) ?? null;
  } catch {
    return null;
  }
}

async function commit(
  input: {
    message: string;
    path?: string | undefined;
    files?: string[] | undefined;
    author_name?: string | undefined;
    author_email?: string | undefined;
    run_hooks: boolean;
  },
  context: ToolContext,
): Promise<ToolResult> {
  // Git itself writes an author as `Ada Lovelace <ada@example.com>`.
  const [, name = input.author_name, email = input.author_email] =
    /^([^<>]*)<([^<>\s]+)>\s*$/.exec(input.author_name ?? "") ?? [];
  const { message, files = null, run_hooks } = input;
  const author = { author: name?.trim() ?? null, email: email ?? null };
  const request = { message, files, ...author, ...(run_hooks ? { run_hooks } : {}) };
  const made = await gitOf(context).commit(input.path ?? null, request, context.signal);
  if (made === null) return succeed("There is nothing to commit.", { committed: false });
  const text = `Committed ${made.hash.slice(0, 10)} on ${made.branch ?? "no branch"} in ${made.path}. It is not pushed yet.`;
  const hooks = made.skipped_hooks ?? [];
  const note =
    hooks.length === 0
      ? ""
      : ` Hooks did not run (${hooks.join(", ")}). Run what they check with a command${context.runs_no_programs ? ", which needs approval here" : ", or commit with run_hooks"}.`;
  return succeed(text + note + noteOf(made), {
    committed: true,
    hash: made.hash,
    path: made.path,
    branch: made.branch,
  });
}

async function changeBranch(
  input: { path?: string | undefined; name?: string | undefined; create: boolean; checkout: boolean; delete: boolean },
  context: ToolContext,
): Promise<ToolResult> {
  const git = gitOf(context);
  const { signal } = context;
  const at = input.path ?? null;
  const { name } = input;
  if (name === undefined) {
    if (input.create || input.delete) return refuse("name is missing: which branch?");
    const { path: folder, branch: current, branches } = await git.listBranches(at, signal);
    const lines = branches.map((one) => `${one === current ? "*" : " "} ${one}`);
    return succeed([`Branches of ${folder}:`, ...lines].join("\n"), { path: folder, branch: current, branches });
  }
  if (input.create && input.delete) return refuse("create and delete exclude each other.");
  if (input.delete) {
    const deleted = await git.deleteBranch(at, name, signal);
    return succeed(`Deleted the branch ${name} of ${deleted.path}.${noteOf(deleted)}`, { path: deleted.path });
  }
  // Some daemons check out a branch that they create, and some don't.
  const made = input.create ? await git.createBranch(at, name, signal) : null;
  const now = made?.branch === name ? made : await git.checkoutBranch(at, name, signal);
  const what = input.create ? "Made and checked out" : "Checked out";
  return succeed(`${what} the branch ${name} of ${now.path}.${noteOf(now)}`, { path: now.path, branch: now.branch });
}

function showStatus(status: GitStatus): ToolResult {
  const { path: folder, branch: current, changes, ahead, behind, is_published } = status;
  const lines = changes.slice(0, SHOWN_CHANGES).map(({ path: file, staged, unstaged }) => {
    const words = [staged === "Unmodified" ? null : `staged: ${staged}`, unstaged === "Unmodified" ? null : unstaged];
    return `${file} (${words.filter((word) => word !== null).join(", ")})`;
  });
  const rest = changes.length - lines.length;
  if (rest > 0) lines.push(`… and ${rest} more`);
  const remote = is_published ? `${ahead} commits to push, ${behind} to pull` : "not on the remote";
  const head = `${folder} is on ${current === null ? "no branch" : `branch ${current}`}, ${remote}.`;
  const body = changes.length === 0 ? "Nothing is changed." : `Changed files (${changes.length}):`;
  const details = { path: folder, branch: current, changed: changes.length, ahead, behind };
  return succeed([head + noteOf(status), body, ...lines].join("\n"), details);
}

function noteOf({ note }: GitCheckout): string {
  return note === undefined ? "" : ` ${note}`;
}

function succeed(content: string, details: Record<string, unknown>): ToolResult {
  return { content, is_error: false, details };
}

function refuse(content: string): ToolResult {
  return { content, is_error: true };
}
