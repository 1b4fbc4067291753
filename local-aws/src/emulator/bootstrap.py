"""Runs ministack until standard input closes, so that it never outlives the process that started it."""

import os
import shutil
import signal
import sys
import threading
import time

SECONDS_TO_STOP = 5
private_port = int(sys.argv[1])
sys.argv = ["ministack"]

# The emulator's own children must not hold the pipe, nor read it.
pipe = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def stop_when_the_pipe_closes():
    while os.read(pipe, 4096):
        pass
    # Who made the folder may have been killed.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_STOP)
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=stop_when_the_pipe_closes, daemon=True).start()

from ministack import app

# GATEWAY_PORT is the port that the emulator writes into URLs: the public one. It listens on another.
app._resolve_port = lambda: str(private_port)
app.main()
