// A GET to a port of the sandbox, from inside: by curl, Node, Python, bash or wget, whichever the image has. No settings
// file of the home is read, no proxy is used, no redirect is followed.
import { SHOWN_BODY_BYTES } from "../../../agent/checks/place.ts";
import { OWN_PATH } from "./command-script.ts";

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
export const REQUEST_SCRIPT = `PATH=${OWN_PATH}:$PATH; LC_ALL=C; export PATH LC_ALL
port=$1 target=$2 seconds=$3
say() { printf '\\ntaskloom:%s\\n' "$*"; exit 0; }
for each in mktemp head sha256sum base64 wc; do command -v $each >/dev/null 2>&1 || say lacks $each; done
work=$(mktemp -d /tmp/.taskloom-request-XXXXXX) || say lacks /tmp
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
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
  | { kind: "silent" | "late" | "broken" | "large" }
  | { kind: "lacks"; program: string };

/** `body` is base64. Null if the script did not come to its end. */
export function readRequestAnswer(output: string): RequestAnswer | null {
  const start = output.lastIndexOf("\ntaskloom:");
  if (start < 0) return null;
  const [line = "", ...rest] = output.slice(start + "\ntaskloom:".length).split("\n");
  const [, status, bytes, hash] = /^answer (\d{3}) (\d+) ([0-9a-f]{64})$/.exec(line) ?? [];
  if (hash !== undefined && rest.includes("end")) {
    const body = rest.find((each) => each.startsWith("body "))?.slice("body ".length) ?? "";
    return { kind: "answer", status: Number(status), bytes: Number(bytes), hash, body };
  }
  if (line === "silent" || line === "late" || line === "broken" || line === "large") return { kind: line };
  return line.startsWith("lacks ") ? { kind: "lacks", program: line.slice("lacks ".length) } : null;
}
