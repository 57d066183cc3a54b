"""The check where there is no Node: serves the page with Python's own web server and looks at what comes back."""
import functools
import http.server
import json
import threading
import urllib.request

PARTS = ("/style.css", "/shop.css", "/art.js", "/cart.js", "/app.js")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


handler = functools.partial(Quiet, directory="public")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}{path}", timeout=5) as response:
        return response.read().decode("utf-8")


claims = {
    "the page is served": lambda: "<title>" in get("/"),
    "style and scripts are served": lambda: all(len(get(p)) > 500 for p in PARTS),
    "there are products": lambda: len(json.loads(get("/api/products"))["products"]) >= 6,
    "each product has a name and a price": lambda: all(
        p["name"] and isinstance(p["price"], int) for p in json.loads(get("/api/products"))["products"]
    ),
}
passed = failed = 0
for claim, holds in claims.items():
    try:
        held = holds()
    except Exception as error:
        print(error)
        held = False
    print("ok  " if held else "FAIL", claim)
    passed, failed = passed + held, failed + (not held)
print(f"{passed} passed, {failed} failed")
raise SystemExit(0 if failed == 0 else 1)
