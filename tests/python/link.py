"""What the flows have: the sandbox's handle, a receiver of notifications, and a client.

The handle is in the Rust test that started this program. One line of JSON goes there for each of its
methods, and one comes back.
"""

import http.server
import inspect
import json
import pathlib
import queue
import sys
import threading

import wechatpayv3
import wechatpayv3.async_


def handle(what, *args):
    """Calls a method of the sandbox's handle. Notifications have arrived when it returns."""
    print(json.dumps({'what': what, 'args': args}), flush=True)
    return json.loads(sys.stdin.readline())['result']


def exported(folder, mchid):
    """Returns what the sandbox exported for a merchant, with the keys in place of the names of their files."""
    folder = pathlib.Path(folder, mchid)
    config = json.loads((folder / 'config.json').read_text())
    for name in ('private_key', 'platform_key'):
        config[name] = config[name] and (folder / config[name]).read_text()
    return config


class Receiver:
    """A server for notifications, on a port that the system chooses."""

    def __init__(self):
        arrived = self.arrived = queue.SimpleQueue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                arrived.put((self.path, self.headers, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.origin = f'http://127.0.0.1:{server.server_port}'
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def take(self, path):
        """Returns the headers and the body of the next notification, which must be for this path."""
        arrived, headers, body = self.arrived.get_nowait()
        assert arrived == path, arrived
        return headers, body


class Client:
    """wechatpayv3, blocking or async, called in the same way."""

    def __init__(self, package, receiver):
        self.package = package
        self.receiver = receiver

    @classmethod
    async def of(cls, stack, merchant, receiver, is_async, public_key, **options):
        """Returns a client of a merchant. Without the public key it downloads the platform certificates."""
        variant = wechatpayv3.async_ if is_async else wechatpayv3
        if public_key:
            options['public_key'] = merchant['platform_key']
            options['public_key_id'] = merchant['platform_key_id']
        package = (variant.AsyncWeChatPay if is_async else variant.WeChatPay)(
            wechatpay_type=None,
            mchid=merchant['mchid'],
            private_key=merchant['private_key'],
            cert_serial_no=merchant['serial'],
            appid=merchant['appid'],
            apiv3_key=merchant['apiv3_key'],
            notify_url=f'{receiver.origin}/{merchant["mchid"]}',
            timeout=(60, 60),
            **options,
        )
        if is_async:
            await stack.enter_async_context(package)
        client = cls(package, receiver)
        client.products = variant.WeChatPayType
        return client

    async def call(self, name, /, *args, **kwargs):
        """Calls a method of the package and returns the status and the body. It verifies each success."""
        # Each variant has products of its own.
        if 'pay_type' in kwargs:
            kwargs['pay_type'] = self.products[kwargs['pay_type']]
        answer = getattr(self.package, name)(*args, **kwargs)
        # Async uploads return a coroutine that returns another.
        while inspect.isawaitable(answer):
            answer = await answer
        return answer

    async def ok(self, name, /, *args, **kwargs):
        """Calls a method of the package, which must succeed, and returns the JSON of the response."""
        status, body = await self.call(name, *args, **kwargs)
        assert status in (200, 204), (name, status, body)
        return json.loads(body) if body else None

    async def refused(self, name, /, *args, **kwargs):
        """Calls a method of the package, which must be refused, and returns the status and the code."""
        status, body = await self.call(name, *args, **kwargs)
        assert status >= 400, (name, status, body)
        return status, json.loads(body)['code']

    def notified(self, event):
        """Returns the resource of the next notification, which must be of this event."""
        return self.notified_of({event})[event]

    def notified_of(self, events):
        """Returns the resources of the next notifications by event: one of each, in any order."""
        # Those of what the client itself did may be on their way.
        handle('settle')
        resources = {}
        for _ in events:
            opened = self.package.callback(*self.receiver.take(f'/{self.package._mchid}'))
            assert opened, 'wechatpayv3 refuses the notification'
            resources[opened['event_type']] = opened['resource']
        assert resources.keys() == set(events), resources
        return resources
