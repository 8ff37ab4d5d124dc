"""A webhook on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Hook:
    """A webhook on loopback that keeps what it gets, and answers as it is told."""

    def __init__(self):
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.asked += 1
                answer = hook.answers.pop(0) if hook.answers else 200
                hook.gate.wait()
                if answer == 200:
                    hook.got.append(json.loads(body))
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.got, self.answers, self.asked = [], [], 0
        self.gate = threading.Event()
        self.gate.set()
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self):
        return f"json://me:hunter2pass@127.0.0.1:{self.server.server_port}/T0K3N-of-the-hook"

    @property
    def subjects(self):
        return [each["title"] for each in self.got]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
