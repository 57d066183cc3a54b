// A project's sandbox in Daytona as people use it.
import type { Workspace } from "../../agent/workspace.ts";
import { createTimedCache } from "../../lib/timed-cache.ts";
import { DaytonaPortLinks } from "./access/ports.ts";
import { DaytonaSsh } from "./access/ssh.ts";
import { DaytonaTerminals } from "./access/terminal.ts";
import { connectDaytona, type DaytonaSettings } from "./client/client.ts";
import { DaytonaFiles } from "./files/files.ts";
import type { CheckoutCache } from "./git/project-checkout.ts";
import { DaytonaControl } from "./lifecycle/control.ts";

/**
 * Each HTTP request makes a workspace, and an open page or a preview makes many requests. A git host that refused a
 * clone must not be asked again by each of them: some hosts lock an account for that.
 */
const checkouts: CheckoutCache = createTimedCache({ now: () => Date.now(), keep_ms: 60_000, max_entries: 200 });

export function createDaytonaWorkspace(settings: DaytonaSettings): Workspace {
  const client = connectDaytona(settings, { cache: checkouts });
  const { guard } = client;
  const control = new DaytonaControl(client);
  const files = new DaytonaFiles(client, { isConfined: true });
  const links = new DaytonaPortLinks(client);
  const terminals = new DaytonaTerminals(client);
  const ssh = new DaytonaSsh(client);
  return {
    readState: (signal) => guard(signal, () => control.readState(signal)),
    start: (signal) => guard(signal, () => control.start(signal)),
    stop: (signal) => guard(signal, () => control.stop(signal)),
    archive: (signal) => guard(signal, () => control.archive(signal)),
    destroy: (signal, isTarget) => guard(signal, () => control.destroy(signal, isTarget)),
    listFiles: (path, depth, signal) => guard(signal, () => files.list(path, depth, signal)),
    openFile: (path, range, signal) => guard(signal, () => files.open(path, range, signal)),
    writeFile: (path, upload, signal) => guard(signal, () => files.upload(path, upload, signal)),
    deleteFile: (path, recursive, signal) => guard(signal, () => files.delete(path, recursive, signal)),
    openArchive: (path, signal) => guard(signal, () => files.openArchive(path, signal)),
    signLink: (port, seconds, signal) => guard(signal, () => links.sign(port, seconds, signal)),
    expireLink: (port, token, signal) => guard(signal, () => links.expire(port, token, signal)),
    findEndpoint: (port, signal) => guard(signal, () => links.findEndpoint(port, signal)),
    openTerminal: (request, events, signal) => guard(signal, () => terminals.open(request, events, signal)),
    openSsh: (minutes, signal) => guard(signal, () => ssh.open(minutes, signal)),
    closeSsh: (signal) => guard(signal, () => ssh.close(signal)),
  };
}
