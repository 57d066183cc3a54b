// A project's sandbox in Daytona as people use it.
import type { Workspace } from "../agent/workspace.ts";
import { connectDaytona, type DaytonaSettings } from "./daytona-client.ts";
import { DaytonaControl } from "./daytona-control.ts";
import { DaytonaPortLinks } from "./daytona-ports.ts";
import { DaytonaSsh } from "./daytona-ssh.ts";
import { DaytonaStreams } from "./daytona-streams.ts";
import { DaytonaTerminals } from "./daytona-terminal.ts";

export function createDaytonaWorkspace(settings: DaytonaSettings): Workspace {
  const client = connectDaytona(settings);
  const { guard } = client;
  const control = new DaytonaControl(client);
  const streams = new DaytonaStreams(client);
  const links = new DaytonaPortLinks(client);
  const terminals = new DaytonaTerminals(client);
  const ssh = new DaytonaSsh(client);
  return {
    readState: (signal) => guard(signal, () => control.readState(signal)),
    start: (signal) => guard(signal, () => control.start(signal)),
    stop: (signal) => guard(signal, () => control.stop(signal)),
    archive: (signal) => guard(signal, () => control.archive(signal)),
    destroy: (signal, isMeant) => guard(signal, () => control.destroy(signal, isMeant)),
    listFiles: (path, depth, signal) => guard(signal, () => streams.list(path, depth, signal)),
    openFile: (path, signal) => guard(signal, () => streams.openFile(path, signal)),
    writeFile: (path, upload, signal) => guard(signal, () => streams.write(path, upload, signal)),
    deleteFile: (path, recursive, signal) => guard(signal, () => streams.delete(path, recursive, signal)),
    openArchive: (path, signal) => guard(signal, () => streams.openArchive(path, signal)),
    signLink: (port, seconds, signal) => guard(signal, () => links.sign(port, seconds, signal)),
    expireLink: (port, token, signal) => guard(signal, () => links.expire(port, token, signal)),
    findDoor: (port, signal) => guard(signal, () => links.findDoor(port, signal)),
    openTerminal: (request, events, signal) => guard(signal, () => terminals.open(request, events, signal)),
    openSsh: (minutes, signal) => guard(signal, () => ssh.open(minutes, signal)),
    closeSsh: (signal) => guard(signal, () => ssh.close(signal)),
  };
}
