// A project's sandbox in Daytona as tools use it.
import { wrapGit } from "../../agent/sandbox-git.ts";
import type { ProjectSandbox } from "../provider.ts";
import { DaytonaPortLinks } from "./access/ports.ts";
import { createCheckPlace } from "./checks/place.ts";
import { connectDaytona, type DaytonaSettings } from "./client/client.ts";
import { DaytonaCommands } from "./commands/commands.ts";
import { DaytonaSessions } from "./commands/sessions.ts";
import { DaytonaFacts } from "./files/facts.ts";
import { DaytonaFiles } from "./files/files.ts";
import { locatePaths } from "./files/places.ts";
import { findFiles, searchFiles } from "./files/search.ts";
import { DaytonaGit } from "./git/git.ts";
import { DaytonaKeepAlive } from "./lifecycle/keep-alive.ts";

export interface DaytonaSandbox extends ProjectSandbox {
  /** Deletes the sandbox with its files; the next call creates a new one. No error if there is none. */
  destroy(signal: AbortSignal): Promise<void>;
}

/** Shown to the model, which otherwise relies on what it made before. */
const NEW_SANDBOX =
  "The sandbox is new: files, installed programs and running commands of the former one are gone. Make again what you need.";

export function createDaytonaSandbox(settings: DaytonaSettings): DaytonaSandbox {
  const client = connectDaytona(settings, { readsSecrets: true });
  const { lifecycle, connection, toolbox, limits, guard } = client;
  const ports = { connection, toolbox, limits };
  const { secrets } = client;
  const commands = new DaytonaCommands({
    ...ports,
    secrets,
    sessions: new DaytonaSessions(connection, limits.sessions),
  });
  const files = new DaytonaFiles(ports);
  const keepAlive = new DaytonaKeepAlive(lifecycle, connection);
  const gitPorts = {
    ...{ connection, requests: client.gitRequests, files, access: client.gitAccess },
    readHome: () => client.checkout.readHome(),
  };
  const git = new DaytonaGit(gitPorts);
  const restricted = new DaytonaGit({ ...gitPorts, is_restricted: true });
  const facts = new DaytonaFacts({ connection, toolbox, files, readHome: () => client.checkout.readHome() });
  const links = new DaytonaPortLinks({ ...ports, lifecycle });
  return {
    runCommand: (request, onOutput, signal) => guard(signal, () => commands.run(request, onOutput, signal)),
    readCommand: (id, signal) => guard(signal, () => commands.read(id, signal)),
    sendInput: (id, input, signal) => guard(signal, () => commands.sendInput(id, input, signal)),
    terminateCommand: (id, signal) => guard(signal, () => commands.terminate(id, signal)),
    listCommands: (signal) => guard(signal, () => commands.list(signal)),
    writeFile: (path, content, signal) => guard(signal, () => files.write(path, content, signal)),
    readFile: (path, signal) => guard(signal, () => files.read(path, signal)),
    deleteFile: (path, recursive, signal) => guard(signal, () => files.delete(path, recursive, signal)),
    moveFile: (from, to, signal) => guard(signal, () => files.move(from, to, signal)),
    listFiles: (path, depth, signal) =>
      guard(signal, () => files.list(path, depth, signal)).then(({ entries }) => entries),
    findFiles: (path, glob, signal) => guard(signal, () => findFiles({ ...ports, files }, { path, glob }, signal)),
    searchFiles: (wanted, signal) => guard(signal, () => searchFiles({ ...ports, files }, wanted, signal)),
    exposePort: (port, signal) => guard(signal, () => links.expose(port, signal)),
    keepAlive: (used_since, signal) => guard(signal, () => keepAlive.refresh(used_since, signal)),
    git: {
      ...wrapGit((work, signal) => guard(signal, () => work(git))),
      restricted: wrapGit((work, signal) => guard(signal, () => work(restricted))),
    },
    checks: createCheckPlace({
      ...{ ...ports, files, secrets, guard, requests: client.gitRequests, access: client.gitAccess },
      source_url: settings.git?.source?.url ?? null,
      readHome: () => client.checkout.readHome(),
    }),
    locate: (paths, signal) => guard(signal, () => locatePaths({ ...ports, files }, paths, signal)),
    readFacts: (signal) => guard(signal, () => facts.read(signal)),
    readNotes: (folder, signal) => guard(signal, () => facts.readNotes(folder, signal)),
    readRepositoryNotice: () => client.checkout.readRepositoryNotice(),
    hideSecrets: (text, signal) => guard(signal, () => secrets.hide(text, signal)),
    readSecretsNotice: () => secrets.describe(),
    awaitListener: (port, signal) => guard(signal, () => links.awaitListener(port, signal)),
    expireLink: (port, token, signal) => guard(signal, () => links.expire(port, token, signal)),
    takeNotice: () => (lifecycle.takeReplaced() ? NEW_SANDBOX : null),
    destroy: (signal) =>
      guard(signal, async () => {
        connection.reset();
        await lifecycle.destroy(signal);
      }),
  };
}
