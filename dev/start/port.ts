// Checks whether a port is free on loopback, before anything starts.
import { createServer } from "node:net";

/** On most machines `localhost` resolves to ::1 first: another program there would receive our requests. */
const loopback = ["127.0.0.1", "::1"];

export async function isPortFree(port: number): Promise<boolean> {
  for (const host of loopback) if (!(await canListen(port, host))) return false;
  return true;
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else if (error.code === "EACCES") reject(new Error(`port ${port} needs more permissions than this user has`));
      // The machine has no IPv6.
      else resolve(true);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
