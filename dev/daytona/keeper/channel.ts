/**
 * One request of the server to the keeper. It has its own socket, so a slow request holds up no other.
 */
import type { Socket } from "node:net";
import { describeFailure, type Failure } from "./failures.ts";
import { FrameReader, writeJson } from "./frames.ts";

export interface Channel {
  socket: Socket;
  reader: FrameReader;
}

export type Request = Record<string, unknown>;

export function openChannel(socket: Socket, head?: Buffer): Channel {
  // A peer that vanishes shows as the end of the frames. An unhandled "error" event would end the whole process.
  socket.on("error", () => socket.destroy());
  return { socket, reader: new FrameReader(socket, head) };
}

export async function answer(channel: Channel, value: unknown): Promise<void> {
  await writeJson(channel.socket, { ok: true, value });
}

export async function refuse(channel: Channel, error: unknown, path?: string): Promise<void> {
  const failure: Failure = describeFailure(error, path);
  await writeJson(channel.socket, { ok: false, error: failure });
}

export function readText(request: Request, name: string): string {
  const value = request[name];
  return typeof value === "string" ? value : "";
}

export function readTexts(request: Request, name: string): string[] {
  const value = request[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

export function readVariables(request: Request, name: string): Record<string, string> {
  const value = request[name];
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}
