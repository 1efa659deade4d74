"""An identity provider for tests: OAuth 2.0 client credentials over TLS, tokens signed with the secured broker's key.

identity.py serve SECURITY LIFETIME    prints its port; ends when its standard input does
identity.py token SECURITY CLAIMS      prints one token with these claims, JSON
"""

import base64
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(security: pathlib.Path, claims: dict) -> str:
    head = encoded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "test"}).encode())
    text = f"{head}.{encoded(json.dumps(claims).encode())}"
    command = ["openssl", "dgst", "-sha256", "-sign", str(security / "token.key")]
    return f"{text}.{encoded(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)}"


def serve(security: pathlib.Path, lifetime: float) -> None:
    secret = (security / "client.secret").read_text().strip()
    expected = "Basic " + base64.b64encode(f"caz-oauth:{secret}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if form.get("grant_type") != ["client_credentials"] or form.get("scope") != ["score events"]:
                self.answer(400, {"error": "invalid_request"})
            elif self.headers["Authorization"] != expected:
                # Some providers say too much.
                said = f"no client {self.headers['Authorization']}"
                self.answer(401, {"error": "invalid_client", "error_description": said})
            else:
                now = time.time()
                claims = {"sub": "caz-oauth", "aud": "kafka", "iss": "https://identity.test", "iat": now, "exp": now + lifetime}
                self.answer(200, {"access_token": token(security, claims), "token_type": "Bearer", "expires_in": lifetime})

        def answer(self, status: int, body: dict) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, form: str, *args: object) -> None:
            # One write a line: `print` makes two, and other threads write between them.
            sys.stdout.write(form % args + "\n")
            sys.stdout.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(security / "broker.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def main() -> None:
    verb, security, argument = sys.argv[1:]
    if verb == "token":
        print(token(pathlib.Path(security), json.loads(argument)))
    else:
        serve(pathlib.Path(security), float(argument))


if __name__ == "__main__":
    main()
