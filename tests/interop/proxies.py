"""Which proxy Python's `requests` takes: plays each row of charm-tracing/src/delivery/tests/proxies.txt against one small server
that is the proxies and the backend, and fails if the outcome is another one. With `--write` it writes the outcomes.

A row is `outcome | URL | variables`. No name is looked up: all connections go to the server, which notes for which host they are.
"""

import os
import pathlib
import socket
import sys
import threading

import requests

TABLE = pathlib.Path(__file__).parents[2] / "charm-tracing/src/delivery/tests/proxies.txt"
VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]


class Server:
    """Answers every request with 200, and every CONNECT and every TLS greeting with the end of the connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lines = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                line = connection.recv(65536).split(b"\r\n")[0]
                self.lines.append(line)
                if line.startswith(b"POST"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


def outcome(server, url, variables):
    for name in VARIABLES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    os.environ.update(variable.strip().split("=", 1) for variable in variables.split(";") if variable.strip())
    server.lines.clear()
    hosts = []

    def to_server(host, port, *_, **__):
        hosts.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", server.listener.getsockname())]

    real, socket.getaddrinfo = socket.getaddrinfo, to_server
    try:
        requests.post(url, data=b"", timeout=10)
    except requests.exceptions.ConnectionError:
        pass
    except requests.exceptions.RequestException as error:
        assert not server.lines, error
        return "error"
    finally:
        socket.getaddrinfo = real
    verb, target = (server.lines[0].split(b" ") + [b""])[:2]
    if verb == b"CONNECT" or (verb == b"POST" and not target.startswith(b"/")):
        return f"{verb.decode()} {target.decode()} at {hosts[0]}"
    return "direct"


def main():
    server = Server()
    lines, wrong = [], 0
    for line in TABLE.read_text().splitlines():
        if line.startswith("#"):
            lines.append(line)
            continue
        expected, url, variables = line.split(" | ")
        found = outcome(server, url, variables)
        lines.append(f"{found} | {url} | {variables}")
        if found != expected:
            wrong += 1
            print(f"{url} with {variables}: {found}, not {expected}")
    if "--write" in sys.argv:
        TABLE.write_text("\n".join(lines) + "\n")
    elif wrong:
        sys.exit(f"{wrong} of {len(lines)} rows are not what requests {requests.__version__} does")
    print(f"requests {requests.__version__}: {len(lines)} lines")


main()
