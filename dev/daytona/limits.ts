/**
 * What an isolated sandbox may take of this machine, as far as it can be said cheaply and without rights.
 *
 * They are limits of each process, set by a shell that then becomes bubblewrap, and inherited by all in the sandbox. The
 * memory and the disk of a sandbox as a whole are not bounded: that takes a control group, which few users may write, or
 * a quota. When memory runs out the kernel takes processes of sandboxes first. The number of processes is bounded twice,
 * since root is exempt from the kernel's limit: the keeper counts, and ends everything when there are too many.
 */
export interface Limits {
  /** As the client asked for them, in GiB. */
  memory: number;
  disk: number;
}

/** Counted by the keeper. Builds with a worker per core and their helpers stay far below. */
export const maxProcesses = 1_024;

/** For the kernel, which counts threads too, and before Linux 5.14 those of the user outside of the sandbox as well. */
const maxThreads = 8_192;

/** Data that a process can write to. Less would end programs that reserve generously, such as node with its threads. */
const minMemory = 8;

/** Of 0 to 1,000; a process as usual has 0. */
const endsFirst = 500;

const gibiKilobytes = 1024 * 1024;
/** The unit of `ulimit -f` in every POSIX shell. */
const gibiBlocks = 2 * 1024 * 1024;

/** Each on its own: where one is lower already, or unknown to this shell (`-u` is `-p` in dash), the others still hold. */
const script = `ulimit -c 0; ulimit -d "$1"; ulimit -f "$2"; ulimit -u "$3" || ulimit -p "$3"
echo ${endsFirst} >/proc/self/oom_score_adj; shift 3; exec "$@"`;

export function limitedCommand({ memory, disk }: Limits, command: string[]): [program: string, args: string[]] {
  const limits = [Math.max(memory, minMemory) * gibiKilobytes, disk * gibiBlocks, maxThreads].map(String);
  return ["/bin/sh", ["-c", script, "sandbox", ...limits, ...command]];
}
