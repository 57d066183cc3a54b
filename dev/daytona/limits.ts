/**
 * Resource limits of an isolated sandbox, as far as they can be set cheaply and without privileges.
 *
 * They apply to each process: a shell sets them, then becomes bubblewrap, and all processes of the sandbox inherit
 * them. The memory and disk of a sandbox as a whole are not bounded; that takes a control group, which few users may
 * write, or a quota. When memory runs out, the kernel kills processes of sandboxes first. The number of processes is
 * bounded twice, since root is exempt from the kernel's limit: the keeper counts them and ends everything when there
 * are too many.
 */
export interface Limits {
  /** As the client asked for them, in GiB. */
  memory: number;
  disk: number;
}

/** Counted by the keeper. Builds with a worker per core and their helpers stay far below. */
export const maxProcesses = 1_024;

/**
 * The kernel's limit. It counts threads too, and before Linux 5.14 also the user's processes outside of the sandbox.
 */
const maxThreads = 8_192;

/** The minimum of writable data. Less would end programs that reserve generously, such as node with its threads. */
const minMemory = 8;

/** oom_score_adj from 0 to 1,000; a usual process has 0. */
const endsFirst = 500;

const gibiKilobytes = 1024 * 1024;
/** The unit of `ulimit -f` in every POSIX shell. */
const gibiBlocks = 2 * 1024 * 1024;

/**
 * Each limit is set separately: where one is already lower, or unknown to this shell (`-u` is `-p` in dash), the others
 * still apply.
 */
const script = `ulimit -c 0; ulimit -d "$1"; ulimit -f "$2"; ulimit -u "$3" || ulimit -p "$3"
echo ${endsFirst} >/proc/self/oom_score_adj; shift 3; exec "$@"`;

export function limitedCommand({ memory, disk }: Limits, command: string[]): [program: string, args: string[]] {
  const limits = [Math.max(memory, minMemory) * gibiKilobytes, disk * gibiBlocks, maxThreads].map(String);
  return ["/bin/sh", ["-c", script, "sandbox", ...limits, ...command]];
}
