// Names of the variables that a person may give to a sandbox, plain or as a secret. One place decides for both: a `HOME`
// that the sandbox's user can't make keeps the sandbox from ever starting, and a `PATH` hides its programs.
import { z } from "zod";
import { late } from "../schemas/late.ts";

export const NAME_IS_RESERVED = "is reserved: the sandbox or its shells use a variable of that name";

/** Shells and programs act by them, some are read-only, and others are the sandbox's own. */
const RESERVED = new Set(
  (
    "_ BASHOPTS BASHPID BASH_ENV BASH_VERSINFO CDPATH ENV EUID GCONV_PATH GIT_ASKPASS GIT_EXEC_PATH GIT_SSH " +
    "GIT_SSH_COMMAND HOME HOSTNAME IFS LOGNAME OLDPWD OPTARG OPTIND PATH PPID PROMPT_COMMAND PS1 PS2 PS4 PWD SHELL " +
    "SHELLOPTS SHLVL SSH_ASKPASS TERM TMPDIR UID USER"
  ).split(" "),
);
const RESERVED_BEGINNINGS = /^(?:LD_|DYLD_|TASKLOOM_|BASH_FUNC_|GIT_CONFIG|LC_)/;

export const variableName = late(() =>
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "is not a name of a variable")
    .refine(
      (name) => !RESERVED.has(name.toUpperCase()) && !RESERVED_BEGINNINGS.test(name.toUpperCase()),
      NAME_IS_RESERVED,
    ),
);
