"""Runs ministack until standard input closes, so that it never outlives the process that started it."""

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.parse

SECONDS_TO_STOP = 5
private_port = int(sys.argv[1])
sys.argv = ["ministack"]

# The emulator's own children must not hold the pipe, nor read it.
pipe = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


class Engine(http.client.HTTPConnection):
    """Docker's engine at a socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=SECONDS_TO_STOP)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def call(self, method, path):
        self.request(method, path)
        answer = self.getresponse().read()
        return json.loads(answer) if answer else None


def remove_containers():
    """Removes the containers of a process that was killed; one that was not has removed them."""
    path, instance = os.environ.get("LOCAL_AWS_ENGINE"), os.environ.get("LOCAL_AWS_INSTANCE")
    if not path or not instance:
        return
    try:
        engine = Engine(path)
        label = urllib.parse.quote(json.dumps({"label": ["local-aws.instance=" + instance]}))
        for container in engine.call("GET", "/containers/json?all=1&filters=" + label):
            engine.call("DELETE", "/containers/" + container["Id"] + "?force=1&v=1")
        for network in engine.call("GET", "/networks?filters=" + label):
            engine.call("DELETE", "/networks/" + network["Id"])
        for volume in engine.call("GET", "/volumes?filters=" + label)["Volumes"] or []:
            engine.call("DELETE", "/volumes/" + volume["Name"] + "?force=1")
    except (OSError, ValueError, http.client.HTTPException):
        # The next local AWS removes what is left.
        pass


def stop_when_the_pipe_closes():
    while os.read(pipe, 4096):
        pass
    remove_containers()
    # Who made the folder may have been killed.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_STOP)
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=stop_when_the_pipe_closes, daemon=True).start()

from ministack import app
from ministack.services import sqs

# What follows keeps the cost of a call to a queue from growing with what waits in it: under a load of hundreds of messages
# a second a queue that fell behind once would never catch up.


def once_a_second(work):
    """The same work on a queue, but not with each call."""
    last = "last " + work.__name__

    def now_and_then(queue):
        now = time.monotonic()
        if now - queue.get(last, 0) >= 1:
            queue[last] = now
            work(queue)

    return now_and_then


sqs._prune_dedup = once_a_second(sqs._prune_dedup)
sqs._expire_retained = once_a_second(sqs._expire_retained)

complete = sqs._ensure_msg_fields


def complete_once(message):
    if "first_receive_at" not in message:
        complete(message)


sqs._ensure_msg_fields = complete_once


def delete_batch(data, queue_url):
    """Deletes the messages of a batch in one pass."""
    queue = sqs._get_q(data.get("QueueUrl", queue_url), "sqs:DeleteMessage")
    entries = data.get("Entries", [])
    sqs._validate_batch_entries(entries, "DeleteMessageBatchRequestEntry")
    asked = {entry.get("ReceiptHandle", "") for entry in entries}
    there = {message["receipt_handle"] for message in queue["messages"]} - {None}
    queue["messages"] = [message for message in queue["messages"] if message["receipt_handle"] not in asked]
    done, failed = [], []
    for entry in entries:
        if entry.get("ReceiptHandle", "") in there:
            done.append({"Id": entry.get("Id", "")})
        else:
            message = "The input receipt handle is invalid."
            failed.append(
                {
                    "Id": entry.get("Id", ""),
                    "Code": "ReceiptHandleIsInvalid",
                    "Message": message,
                    "SenderFault": True,
                }
            )
    return {"Successful": done, "Failed": failed}


sqs._HANDLERS["DeleteMessageBatch"] = delete_batch

# GATEWAY_PORT is the port that the emulator writes into URLs: the public one. It listens on another.
app._resolve_port = lambda: str(private_port)
app.main()
