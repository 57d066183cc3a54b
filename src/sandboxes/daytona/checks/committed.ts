// Files of the project's checkout as they are in the commit that the server cloned for the person.
import type { Committed } from "../../../agent/checks/place.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { readClonedCommit } from "../git/cloned-commit.ts";
import { COMMITTED_SCRIPT, readCommittedAnswer } from "./committed-script.ts";
import { decodeBase64, readText } from "./output.ts";
import { type CheckPorts, run } from "./ports.ts";

const COMMITTED_MS = 60_000;
/** As much as is read of a file of checks. */
const SHOWN_BYTES = 64 * 1024;
/** Base64 of one such file, and the hashes of the others. */
const ANSWER_BYTES = 256 * 1024;

export interface Checkout {
  folder: string;
  absolute: string;
  /** That was cloned; null if it is not known. */
  commit: string | null;
}

/** Null if there is none. */
export async function findCheckout(ports: CheckPorts, signal: AbortSignal): Promise<Checkout | null> {
  const { files, connection, source_url } = ports;
  if (source_url === null) return null;
  // The checkout is known once the sandbox is open.
  const place = await connection.call(async (sandbox) => {
    const folder = ports.readHome();
    return folder === null ? null : { folder, commit: await readClonedCommit(sandbox, source_url, folder) };
  }, signal);
  if (place === null) return null;
  const { absolute } = await files.resolve(place.folder, signal, { takesAnyName: true });
  return { ...place, absolute };
}

export async function readCommitted(
  ports: CheckPorts,
  paths: string[],
  signal: AbortSignal,
): Promise<Committed | null> {
  const checkout = await findCheckout(ports, signal);
  if (checkout === null) return null;
  const { folder, absolute, commit } = checkout;
  const values = () => [absolute, commit ?? "", String(SHOWN_BYTES), ...paths];
  const script = { text: COMMITTED_SCRIPT, values, timeout_ms: COMMITTED_MS, answer_bytes: ANSWER_BYTES };
  const answer = readCommittedAnswer(await run(ports, script, signal));
  if (answer?.kind === "no_folder") throw new SandboxError("not_found", "The project's folder does not exist.");
  if (answer?.kind !== "files" || answer.files.length !== paths.length) {
    const why = answer?.kind === "stuck" ? answer.what : "it took too long";
    throw new SandboxError("failed", `The commit of the project's checkout could not be read: ${why}.`);
  }
  return {
    folder,
    commit,
    files: answer.files.map(({ file, now }) => ({
      now,
      file: file && { hash: file.hash, size: file.size, text: toText(file) },
    })),
  };
}

function toText({ size, text }: { size: number; text: string }): string | null {
  return size > SHOWN_BYTES ? null : readText(decodeBase64(text), false);
}
