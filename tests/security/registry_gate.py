"""A gate before a schema registry, for tests: TLS and basic authentication, everything else passed on.

registry_gate.py SECURITY REGISTRY USER PASSWORD    prints its port; ends when its standard input does
"""

import base64
import http.client
import pathlib
import ssl
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main() -> None:
    security, registry, user, password = sys.argv[1:]
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    behind = urllib.parse.urlsplit(registry).netloc

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != expected:
                self.answer(401, b'{"error_code": 401, "message": "who are you?"}')
                return
            connection = http.client.HTTPConnection(behind, timeout=30)
            headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            self.answer(response.status, response.read())

        do_POST = do_GET

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, form: str, *args: object) -> None:
            # One write a line: `print` makes two, and other threads write between them.
            sys.stdout.write(form % args + "\n")
            sys.stdout.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pathlib.Path(security) / "broker.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
