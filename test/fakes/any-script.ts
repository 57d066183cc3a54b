// What random scripts of a thread are made of.
import fc from "fast-check";

export type Kind = "text" | "reasoning" | "tool_call";

type Stored = "store" | "store_text" | "drop" | "fact" | "user_text" | "result" | "end";

export type Step =
  | { type: "open"; kind: Kind }
  | { type: "delta"; at: number; text: string }
  | { type: "close"; at: number }
  | { type: Stored | "ephemeral" }
  | { type: "release" | "trim" | "crash" | "settle" }
  /** In one transaction. */
  | { type: "together"; steps: Stored[] }
  | { type: "lose"; at: number }
  | { type: "tick"; ms: number };

export const text = fc.oneof(
  fc.constantFrom("电商", "a", "🛒", "\ud83d", '"\\\n', "</x>"),
  fc.string({ maxLength: 8 }),
);
export const at = fc.nat(9);
const always = <T extends Step["type"]>(type: T) => fc.constant({ type });

/** `disasters`: memory that is lost, lives that end. */
export function anyScript({ disasters }: { disasters: boolean }): fc.Arbitrary<Step[]> {
  const calm = [
    { weight: 6, arbitrary: fc.record({ type: fc.constant("open" as const), kind: anyKind() }) },
    { weight: 14, arbitrary: fc.record({ type: fc.constant("delta" as const), at, text }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant("close" as const), at }) },
    { weight: 4, arbitrary: always("store") },
    { weight: 1, arbitrary: always("store_text") },
    { weight: 2, arbitrary: always("drop") },
    { weight: 4, arbitrary: always("fact") },
    { weight: 2, arbitrary: always("user_text") },
    { weight: 2, arbitrary: always("result") },
    { weight: 2, arbitrary: always("ephemeral") },
    { weight: 2, arbitrary: always("end") },
    { weight: 6, arbitrary: fc.record({ type: fc.constant("together" as const), steps: anyStored() }) },
    { weight: 3, arbitrary: always("release") },
    { weight: 6, arbitrary: fc.record({ type: fc.constant("tick" as const), ms: fc.constantFrom(1, 5, 16, 40) }) },
  ];
  const disaster = [
    { weight: 2, arbitrary: always("trim") },
    { weight: 2, arbitrary: always("crash") },
    { weight: 3, arbitrary: always("settle") },
    { weight: 3, arbitrary: fc.record({ type: fc.constant("lose" as const), at: fc.nat(40) }) },
  ];
  return fc.array(fc.oneof(...(calm as []), ...((disasters ? disaster : []) as [])), {
    minLength: 5,
    maxLength: 70,
    size: "max",
  }) as fc.Arbitrary<Step[]>;
}

function anyStored(): fc.Arbitrary<Stored[]> {
  const anyOne = fc.constantFrom<Stored[]>(
    "store",
    "store",
    "store_text",
    "fact",
    "user_text",
    "result",
    "result",
    "end",
  );
  return fc.array(anyOne, { minLength: 2, maxLength: 5 });
}

function anyKind(): fc.Arbitrary<Kind> {
  return fc.constantFrom("text", "reasoning", "tool_call", "tool_call");
}
