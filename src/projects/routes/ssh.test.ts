import { expect, it } from "vitest";
import { describeLink } from "./ssh.ts";

const access = { command: "", user: "token", host: "ssh.example", port: null, folder: "/home/user", expires_at: "" };

it("describeLink links to the work dir in VS Code, with the port unless it is 22", () => {
  const link = "vscode://vscode-remote/ssh-remote+token@ssh.example";
  expect(describeLink(access)).toBe(`${link}/home/user`);
  expect(describeLink({ ...access, port: 22 })).toBe(`${link}/home/user`);
  expect(describeLink({ ...access, port: 2222 })).toBe(`${link}:2222/home/user`);
  expect(describeLink({ ...access, folder: "/home/a b/商#?" })).toBe(`${link}/home/a%20b/%E5%95%86%23%3F`);
});
