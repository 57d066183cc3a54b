// A GET to a port of the sandbox, from inside: by curl, Node, Python, bash or wget, whichever the image has. No settings
// file of the home is read, no proxy is used, no redirect is followed.
import { SHOWN_BODY_BYTES } from "../../../agent/checks/place.ts";
import { BEGIN, type Said, SWEEP_WORK } from "./ports.ts";

/** Of a body that is read. More is refused: what has no end is no answer. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

const NODE = `const [port, path, seconds] = process.argv.slice(1);
const http = require("http");
const ask = (host, next) => {
  const request = http.get({ host, port, path, headers: { host: "localhost:" + port, accept: "*/*" }, agent: false }, (answer) => {
    process.stderr.write("HTTP/1.1 " + answer.statusCode + "\\n");
    answer.pipe(process.stdout);
  });
  request.on("error", () => (next ? next() : process.exit(7)));
};
setTimeout(() => process.exit(28), seconds * 1000).unref();
ask("127.0.0.1", () => ask("::1"));`;

const PYTHON = `import http.client, sys
port, path, seconds = sys.argv[1:]
for host in ("127.0.0.1", "::1"):
    try:
        connection = http.client.HTTPConnection(host, int(port), timeout=float(seconds))
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", "localhost:" + port)
        connection.putheader("Accept", "*/*")
        connection.endheaders()
        answer = connection.getresponse()
    except OSError:
        continue
    sys.stderr.write("HTTP/1.1 %d\\n" % answer.status)
    while True:
        piece = answer.read(65536)
        if not piece:
            sys.exit(0)
        sys.stdout.buffer.write(piece)
sys.exit(7)`;

const BASH = `exec 3<>"/dev/tcp/127.0.0.1/$1" || exec 3<>"/dev/tcp/::1/$1" || exit 7
printf "GET %s HTTP/1.0\\r\\nHost: localhost:%s\\r\\nAccept: */*\\r\\nConnection: close\\r\\n\\r\\n" "$2" "$1" >&3
IFS= read -r line <&3 || exit 52
printf "%s\\n" "$line" >&2
while IFS= read -r line <&3; do [ "$line" != "$(printf "\\r")" ] && [ -n "$line" ] || break; done
cat <&3`;

// $1 is the port, $2 the path, $3 the seconds, $4 the program to use, or empty for the first that is there.
export const REQUEST_SCRIPT = `${BEGIN}
port=$1 target=$2 seconds=$3
need mktemp head sha256sum base64 wc
work=$(mktemp -d /tmp/.taskloom-request-XXXXXX) || say lacks /tmp
${SWEEP_WORK}
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY NODE_OPTIONS PYTHONSTARTUP PYTHONPATH BASH_ENV ENV
HOME=$work; export HOME
with=$4
for each in curl node python3 bash wget; do [ -n "$with" ] || ! command -v $each >/dev/null 2>&1 || with=$each; done
limited() { if command -v timeout >/dev/null 2>&1; then timeout "$seconds" "$@"; else "$@"; fi; }
ask() {
  case $with in
  curl)
    for host in 127.0.0.1 '[::1]'; do
      curl -q -sS -g --path-as-is --noproxy '*' --max-time "$seconds" -H "Host: localhost:$port" -D "$work/head" "http://$host:$port$target" 2>/dev/null
      code=$?
      [ "$code" = 7 ] || return "$code"
    done
    return 7 ;;
  node) node -e '${NODE.replaceAll("'", "'\\''")}' "$port" "$target" "$seconds" 2>"$work/head" ;;
  python3) limited python3 -I -S -c '${PYTHON.replaceAll("'", "'\\''")}' "$port" "$target" "$seconds" 2>"$work/head" ;;
  bash) limited bash --noprofile --norc -c '${BASH.replaceAll("'", "'\\''")}' taskloom "$port" "$target" 2>"$work/head" ;;
  wget) limited wget -q -S -O - "http://127.0.0.1:$port$target" 2>"$work/head" ;;
  *) return 99 ;;
  esac
}
begun=$(date +%s)
{ ask; echo "$?" >"$work/code"; } | head -c ${MAX_BODY_BYTES + 1} >"$work/body"
code=$(cat "$work/code" 2>/dev/null)
bytes=$(wc -c <"$work/body" | tr -d ' ')
[ "$bytes" -le ${MAX_BODY_BYTES} ] || say large
status=$(sed -n 's|^ *HTTP/[0-9.]* \\([0-9][0-9][0-9]\\).*|\\1|p' "$work/head" 2>/dev/null | tail -n 1)
[ "$code" != 99 ] || say lacks 'curl, node, python3, bash or wget'
if [ $(($(date +%s) - begun)) -ge "$seconds" ] && [ "$code" != 0 ]; then say late; fi
[ -n "$status" ] || say silent
if [ "$code" != 0 ] && [ "$with" != wget ]; then say broken; fi
printf '\\ntaskloom:answer %s %s %s\\nbody %s\\nend\\n' "$status" "$bytes" "$(sha256sum <"$work/body" | cut -c 1-64)" \\
  "$(head -c ${SHOWN_BODY_BYTES} "$work/body" | base64 | tr -d '\\n')"`;

export type RequestAnswer =
  | { kind: "answer"; status: number; bytes: number; hash: string; body: string }
  | { kind: "silent" | "late" | "broken" | "large" };

/** `body` is base64. Null if the script did not come to its end. */
export function readRequestAnswer(said: Said | null): RequestAnswer | null {
  if (said === null) return null;
  const { word, rest, lines } = said;
  const [, status, bytes, hash] = /^(\d{3}) (\d+) ([0-9a-f]{64})$/.exec(word === "answer" ? rest : "") ?? [];
  if (hash !== undefined && lines !== null) {
    const body = lines.find((each) => each.startsWith("body "))?.slice("body ".length) ?? "";
    return { kind: "answer", status: Number(status), bytes: Number(bytes), hash, body };
  }
  return word === "silent" || word === "late" || word === "broken" || word === "large" ? { kind: word } : null;
}
