// What a page of another origin can try on ports of the visitor's machine, as a script for that page. It returns a list
// of what it could read or open. It also sends requests whose responses it may not read.
const script = `(async () => {
  const got = [];
  const read = async (url, init) => {
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2000) });
      if (response.type !== "opaque") got.push((init.method ?? "GET") + " " + url + ": " + response.status);
    } catch {
      // Refused, or not readable.
    }
  };
  const open = (url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => { got.push("socket " + url); socket.close(); resolve(); };
    socket.onerror = () => resolve();
  });
  const sql = JSON.stringify({ sql: "CREATE TABLE broken_into (x)" });
  for (const port of PORTS) for (const host of ["127.0.0.1", "localhost"]) {
    await Promise.all(PATHS.flatMap((path) => {
      const url = "http://" + host + ":" + port + path;
      return [
        read(url, {}),
        read(url, { mode: "no-cors", credentials: "include" }),
        read(url, { method: "POST", body: sql, headers: { "content-type": "text/plain" } }),
        read(url, { method: "POST", body: sql, mode: "no-cors" }),
        read(url, { method: "POST", body: sql, headers: { authorization: "Bearer local" } }),
      ];
    }));
  }
  // Chromium delays each socket longer after one that failed, so this tries a single path on one name of the machine.
  for (const port of PORTS) await open("ws://127.0.0.1:" + port + "/core:user:taskloom");
  return got;
})()`;

export function attackPorts(ports: number[], paths: string[]): string {
  return script.replaceAll("PORTS", JSON.stringify(ports)).replace("PATHS", JSON.stringify(paths));
}
