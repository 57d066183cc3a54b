import { describe, expect, it } from "vitest";
import { readSshCommand } from "./ssh.ts";
import { readClose } from "./terminal.ts";

describe("readSshCommand", () => {
  it.each([
    ["ssh tok_en-1@ssh.app.daytona.io", { user: "tok_en-1", host: "ssh.app.daytona.io", port: null }],
    ["ssh -p 2222 token@localhost", { user: "token", host: "localhost", port: 2222 }],
    ["ssh -p2222 token@10.0.0.1 ", { user: "token", host: "10.0.0.1", port: 2222 }],
    ["ssh token@host -p 22 -o StrictHostKeyChecking=no", { user: "token", host: "host", port: 22 }],
    ["ssh -o User=x token@[::1]", { user: "token", host: "[::1]", port: null }],
  ])("reads %j", (command, target) => {
    expect(readSshCommand(command)).toEqual(target);
  });

  it.each(["", "ssh", "telnet token@host", "ssh host", "ssh -p 0 token@host", "ssh -p x token@host", "ssh a@b/../c"])(
    "refuses %j",
    (command) => {
      expect(readSshCommand(command)).toBeNull();
    },
  );
});

describe("readClose", () => {
  it.each([
    [1000, "", { exit_code: 0 }],
    [1000, '{"exitCode":0}', { exit_code: 0 }],
    [1011, '{"exitCode":3,"exitReason":"non-zero exit"}', { exit_code: 3 }],
    [1011, "", { error: expect.stringContaining("lost") }],
    [1006, "proxy says {", { error: expect.stringContaining("lost") }],
    [1008, "slow consumer", { error: expect.stringContaining("open the terminal again") }],
  ])("reads how the shell ended from code %i and reason %j", (code, reason, end) => {
    expect(readClose(code, reason)).toEqual(end);
  });
});
