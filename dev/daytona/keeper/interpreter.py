"""One context of the code interpreter: runs one text after another in one namespace.

Orders come as lines of JSON on descriptor 3, events go as lines of JSON to descriptor 4. What the code prints goes to
stdout and stderr as it is, so that what its own child processes print does too; a mark on each says that a run has ended.
"""

import builtins
import json
import linecache
import os
import signal
import sys
import traceback
import types

# A traceback of endless recursion, or the text of an error that holds a whole file.
MAX_CHARACTERS = 64 * 1024

for descriptor in (3, 4):
    os.set_inheritable(descriptor, False)
orders = os.fdopen(3, "r", encoding="utf-8")
events = os.fdopen(4, "w", encoding="utf-8")
mark = json.loads(orders.readline())["mark"].encode()

# The code is the main program, in the folder that it was started in.
sys.path[0] = ""
sys.argv = [""]
main = types.ModuleType("__main__")
main.__dict__["__builtins__"] = builtins
sys.modules["__main__"] = main
running = False


def interrupt(_signal, _frame):
    if running:
        raise KeyboardInterrupt


def say(**event):
    events.write(json.dumps(event) + "\n")
    events.flush()


def describe(error):
    # The first frame is that of this file.
    trace = traceback.format_exception(type(error), error, error.__traceback__.tb_next)
    return {
        "name": type(error).__name__,
        "value": str(error)[:MAX_CHARACTERS],
        "traceback": "".join(trace)[-MAX_CHARACTERS:],
    }


def run(number, code, variables):
    global running
    name = "<run %d>" % number
    # Without it a traceback would show no lines.
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    former = {key: os.environ.get(key) for key in variables}
    try:
        running = True
        os.environ.update(variables)
        exec(compile(code, name, "exec"), main.__dict__)
    except KeyboardInterrupt:
        say(type="interrupted")
    except BaseException as error:
        say(type="error", **describe(error))
    finally:
        running = False
        for key, value in former.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def finish():
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
            os.write(descriptor, mark)
        except (OSError, ValueError, AttributeError):
            # The code has closed or replaced it.
            pass
    say(type="done")


signal.signal(signal.SIGINT, interrupt)
for line in orders:
    order = json.loads(line)
    run(order["number"], order["code"], order["variables"])
    finish()
