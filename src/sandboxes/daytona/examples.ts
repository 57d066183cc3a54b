/** Example values for the API's description. */
export const daytonaExamples = {
  snapshot: "daytonaio/sandbox:0.5.0-slim",
  ssh_host: "ssh.app.daytona.io",
  folder: "/home/daytona",
};
