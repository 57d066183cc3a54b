// Daytona's own folder in the home: the text and the output of every command that ran in a session, and its pipes. It
// belongs to nobody's project, so nothing lists, searches, packs, sends or changes it. A command of the sandbox can
// still read it: this prevents mistakes, and is no fence.
import { SandboxError } from "../../../agent/sandbox.ts";
import { type Folders, isWithin } from "../../paths.ts";

const NAME = ".daytona";

/** Temporary files and folders of ours are left out of lists, too. */
export const UPLOAD_PREFIX = ".taskloom-upload-";
export const REMOVED_PREFIX = ".taskloom-removed-";

export function providerFolderOf({ home }: Folders): string {
  return `${home === "/" ? "" : home.replace(/(?<!\/)\/+$/, "")}/${NAME}`;
}

function isOfProvider(absolute: string, folders: Folders): boolean {
  return isWithin(absolute, providerFolderOf(folders));
}

export function refuseProviderFolder(asked: string, absolute: string, folders: Folders): void {
  if (!isOfProvider(absolute, folders)) return;
  throw new SandboxError("refused", `${asked} belongs to the sandbox itself and not to the project.`);
}

/** Whether an entry is nobody's business: Daytona's folder, or a temporary one of ours. */
export function isHidden(absolute: string, folders: Folders): boolean {
  if (isOfProvider(absolute, folders)) return true;
  const name = absolute.slice(absolute.lastIndexOf("/") + 1);
  return name.startsWith(UPLOAD_PREFIX) || name.startsWith(REMOVED_PREFIX);
}
