"""A Milvus with TLS and a token, for tests: a proxy before Milvus Lite, which knows neither."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import grpc
import trustme

from deploy.local.processes import free_port

MAX_CALL_S = 60.0


class SecureMilvus(AbstractContextManager["SecureMilvus"]):
    """Ends TLS, checks the token of each call, and passes the call's bytes on.

    Attributes:
        token: that is taken, as `user:password`; may be changed while it runs.
        calls: how many were passed on.
        refused: how many were not, for their token.
    """

    def __init__(self, address: str, token: str, host: str = "localhost", port: int = 0) -> None:
        """Args: address: of the Milvus Lite, `http://host:port`; host, port: where it listens itself."""
        self.token = token
        self.calls = 0
        self.refused = 0
        self.port = port or free_port()
        self._host = host
        self.methods: set[str] = set()
        self._channel = grpc.insecure_channel(address.removeprefix("http://"))
        self._server: grpc.Server | None = None

    @property
    def uri(self) -> str:
        """Where it is."""
        return f"https://localhost:{self.port}"

    def show(self, certificate: trustme.LeafCert, clients: trustme.CA | None = None) -> SecureMilvus:
        """Begin, or begin anew, with a certificate.

        Args:
            certificate: that is shown.
            clients: who signs those of clients; None: they need none.
        """
        self.stop()
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        credentials = grpc.ssl_server_credentials(
            [(certificate.private_key_pem.bytes(), chain)], clients and clients.cert_pem.bytes(), clients is not None
        )
        self._server = grpc.server(
            ThreadPoolExecutor(16), handlers=[_Forwarding(self)], options=[("grpc.so_reuseport", 0)]
        )
        assert self._server.add_secure_port(f"{self._host}:{self.port}", credentials) == self.port
        self._server.start()
        return self

    def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.stop(grace=None).wait()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._channel.close()

    def forward(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Pass a call on, if its token is the right one."""
        expected = base64.b64encode(self.token.encode())
        given = dict(context.invocation_metadata()).get("authorization", b"")
        if given not in (expected, expected.decode()):
            self.refused += 1
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check api key is correct")
        self.calls += 1
        self.methods.add(method.rpartition("/")[2])
        try:
            # Of a call without a deadline it says so many seconds that gRPC cannot count them.
            timeout_s = min(context.time_remaining() or MAX_CALL_S, MAX_CALL_S)
            return self._channel.unary_unary(method)(request, timeout=timeout_s)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
            raise


class _Forwarding(grpc.GenericRpcHandler):
    def __init__(self, proxy: SecureMilvus) -> None:
        self._proxy = proxy

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method

        def forward(request: bytes, context: grpc.ServicerContext) -> bytes:
            return self._proxy.forward(method, request, context)

        return grpc.unary_unary_rpc_method_handler(forward)
