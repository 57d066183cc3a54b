// What every use of a sandbox's files needs.
import type { DaytonaConnection } from "../client/connection.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { Toolbox } from "../client/toolbox.ts";

export interface FilePorts {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}
