"""How do many tests run `mlagents-learn` without waiting for its imports each time? They fork it from one process.

This process imports what `mlagents-learn` imports and then, for every line of JSON on its standard input, forks a child
that is `mlagents-learn` from there on: own arguments, folder, output, threads and exit code. It answers each line with
one number, and says its own id when it is ready.

    {"argv": [...], "cwd": "...", "output": "...", "first": "module:function(arguments)"}    ->  process id
    {"poll": id}                                  ->  exit code, -9 for a kill; RUNNING if it has not ended yet
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import signal
import sys
import warnings

RUNNING = 1000  # no exit code
PRELOADED = ("torch._dynamo", "torch.utils.tensorboard", "torch.onnx", "onnx", "torch.fx.experimental.proxy_tensor")


def main() -> None:
    """Serves until the standard input ends."""
    warnings.simplefilter("ignore")
    from mlagents.trainers import learn

    for name in ("mlagents_selfplay.plugin", *PRELOADED):
        importlib.import_module(name)
    answer(os.getpid())  # ready
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            ended, status = os.waitpid(request["poll"], os.WNOHANG)
            answer(os.waitstatus_to_exitcode(status) if ended else RUNNING)
            continue
        child = os.fork()
        if child:
            answer(child)
            continue
        become(request)
        return learn.main()


def answer(number: int) -> None:
    """Writes one line."""
    print(number, flush=True)


def become(request: dict) -> None:
    """Turns the child into the process that was asked for."""
    os.chdir(request["cwd"])
    with open(request["output"], "ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Whoever runs the tests may have it ignored.
    sys.argv = ["mlagents-learn", *request["argv"]]
    if request["first"]:
        module, function, arguments = re.fullmatch(r"([\w.]+):(\w+)(\(.*\))", request["first"]).groups()
        getattr(importlib.import_module(module), function)(*ast.literal_eval(f"[{arguments[1:-1]}]"))


if __name__ == "__main__":
    main()
