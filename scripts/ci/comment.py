#!/usr/bin/env python3
"""Puts Markdown files into one comment of a pull request, which is edited in place from then on.

usage: scripts/ci/comment.py PULL_REQUEST FILE...

Needs GITHUB_TOKEN and GITHUB_REPOSITORY; GITHUB_API_URL is GitHub's unless given.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request

# By which the comment is found again. It stands on the first line.
MARKER = "<!-- infra: plans -->"
# GitHub's limit of a comment, in characters.
LIMIT = 65536
PAGE = 100
TIMEOUT_SECONDS = 30


def call(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "Content-Type": "application/json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        return json.load(response)


def find(comments_url):
    """The address of our comment, if there is one."""
    page = 1
    while True:
        comments = call("GET", f"{comments_url}?per_page={PAGE}&page={page}")
        for comment in comments:
            if comment["body"].startswith(MARKER) and comment["user"]["type"] == "Bot":
                return comment["url"]
        if len(comments) < PAGE:
            return None
        page += 1


def main(pull_request, files):
    if not re.fullmatch(r"[0-9]+", pull_request):
        sys.exit(f"comment.py: {pull_request!r} is not the number of a pull request")
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    comments_url = f"{api}/repos/{os.environ['GITHUB_REPOSITORY']}/issues/{pull_request}/comments"
    parts = [MARKER]
    for name in files:
        try:
            with open(name, encoding="utf-8", errors="replace") as file:
                parts.append(file.read().strip())
        except FileNotFoundError:
            parts.append(f"**There is no plan in `{os.path.basename(name)}`**: its job failed before it planned.")
    body = "\n\n".join(parts) + "\n"
    if len(body) > LIMIT:
        sys.exit(f"comment.py: {len(body)} characters are more than GitHub takes ({LIMIT}); give the plans a --max-length")
    try:
        url = find(comments_url)
        comment = call("POST", comments_url, {"body": body}) if url is None else call("PATCH", url, {"body": body})
    except urllib.error.HTTPError as error:
        sys.exit(f"comment.py: GitHub answered {error.code} to {error.url}: {error.read(500).decode(errors='replace')}")
    except urllib.error.URLError as error:
        sys.exit(f"comment.py: {api} can't be reached: {error.reason}")
    print(comment["html_url"])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    missing = [name for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY") if not os.environ.get(name)]
    if missing:
        sys.exit(f"comment.py: {' and '.join(missing)} must be set")
    main(sys.argv[1], sys.argv[2:])
