// Simple sums in a question: numbers, + - * / and parentheses. Anything else is not a sum.

// Sums in a chat are short; the limit bounds the recursion's depth.
const MAX_LENGTH = 100;

/** The value as people write it, or null where the text is not a sum. */
export function calculate(text: string): string | null {
  const sum = text
    .replace(/^(?:请问|请|帮我)?(?:算一?下|计算一?下|计算|what(?:'s| is)|calculate|compute)[:：]?\s*/i, "")
    .replace(/\s*(?:等于多少|等于几|是多少|=)?\s*[=?？。.]*$/, "")
    .replace(/[×xX✕]/g, "*")
    .replace(/[÷]/g, "/")
    .replace(/[（]/g, "(")
    .replace(/[）]/g, ")");
  if (sum.length > MAX_LENGTH || !/^[\d\s.+\-*/()]+$/.test(sum) || !/\d\s*[+\-*/]\s*[(\d-]/.test(sum)) return null;
  const tokens = sum.match(/\d+(?:\.\d+)?|[+\-*/()]/g) ?? [];
  if (tokens.join("") !== sum.replace(/\s/g, "")) return null;
  const value = readSum(tokens);
  return value === null || tokens.length > 0 || !Number.isFinite(value) ? null : String(Number(value.toPrecision(12)));
}

function readSum(tokens: string[]): number | null {
  let value = readProduct(tokens);
  while (value !== null && (tokens[0] === "+" || tokens[0] === "-")) {
    const sign = tokens.shift() === "+" ? 1 : -1;
    const next = readProduct(tokens);
    value = next === null ? null : value + sign * next;
  }
  return value;
}

function readProduct(tokens: string[]): number | null {
  let value = readFactor(tokens);
  while (value !== null && (tokens[0] === "*" || tokens[0] === "/")) {
    const isProduct = tokens.shift() === "*";
    const next = readFactor(tokens);
    value = next === null ? null : isProduct ? value * next : value / next;
  }
  return value;
}

function readFactor(tokens: string[]): number | null {
  const token = tokens.shift();
  if (token === "-") {
    const value = readFactor(tokens);
    return value === null ? null : -value;
  }
  if (token !== "(") return token !== undefined && /^\d/.test(token) ? Number(token) : null;
  const value = readSum(tokens);
  return tokens.shift() === ")" ? value : null;
}
