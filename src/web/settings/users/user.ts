// A user as the server lists one, and how the page searches and names users.
import type { User, UserCounts } from "../../../protocol/people/user.ts";

export interface UserWithCounts extends User {
  counts: UserCounts;
}

export function nameUser({ name, user_id }: Pick<User, "name" | "user_id">): string {
  return name?.trim() ? name : user_id;
}

/** By id, name and email, each word of the text in any of them. */
export function findUsers(users: readonly User[], typed: string): User[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return users.filter(({ user_id, name, email }) => {
    const text = [user_id, name, email].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export interface UserDraft {
  name: string;
  email: string;
  isAdmin: boolean;
}

export function draftOf({ name, email, role }: Pick<User, "name" | "email" | "role">): UserDraft {
  return { name: name ?? "", email: email ?? "", isAdmin: role === "admin" };
}

/** Only what was changed: an admin may change its own name, but not its own role. Null for nothing. */
export function patchOf(user: Pick<User, "name" | "email" | "role">, draft: UserDraft): Record<string, unknown> | null {
  const [name, email] = [draft.name.trim() || null, draft.email.trim() || null];
  const role = draft.isAdmin ? "admin" : null;
  const patch = {
    ...(name !== (user.name?.trim() || null) && { name }),
    ...(email !== user.email && { email }),
    ...(role !== user.role && { role }),
  };
  return Object.keys(patch).length === 0 ? null : patch;
}

/** A new user's: fields that are empty are left out. */
export function bodyOf({ name, email, isAdmin }: UserDraft, user_id: string): Record<string, string> {
  return {
    ...(user_id.trim() && { user_id: user_id.trim() }),
    ...(name.trim() && { name: name.trim() }),
    ...(email.trim() && { email: email.trim() }),
    ...(isAdmin && { role: "admin" }),
  };
}
