"""Encrypted connections: their settings reach the transport as the application gave them."""

import datetime
import http.server
import ipaddress
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import requests

x509 = pytest.importorskip("cryptography.x509")


@dataclass
class Server:
    """An encrypted loopback server. certificate: of the server, which nobody else trusts."""

    url: str
    certificate: str
    bodies: list[bytes] = field(default_factory=list)


def _certificate(folder: Path) -> Path:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, no = serialization.Encoding.PEM, serialization.NoEncryption()
    pem = made.public_bytes(encoding) + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no)
    (folder / "server.pem").write_bytes(pem)
    return folder / "server.pem"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pem = _certificate(tmp_path)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        found = Server(f"https://127.0.0.1:{listening.server_port}/send", str(pem))
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        listening.shutdown()
        thread.join()


def test_a_certificate_the_application_trusts_is_trusted(server, gate):
    context = ssl.create_default_context(cafile=server.certificate)

    told = [
        requests.post(f"{server.url}/x", b"1", verify=server.certificate).status_code,
        httpx.post(f"{server.url}/x", content=b"2", verify=context).status_code,
        urllib.request.urlopen(f"{server.url}/x", b"3", context=context).status,
        requests.post(f"{server.url}/refused", b"4", verify=server.certificate).status_code,
    ]

    assert (told, server.bodies) == ([200, 200, 200, 403], [b"1", b"2", b"3"])


def test_a_certificate_nobody_trusts_is_the_transports_own_error(server, gate):
    with pytest.raises(requests.exceptions.SSLError):
        requests.post(f"{server.url}/x", b"x")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.post(f"{server.url}/x", content=b"x")
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{server.url}/x", b"x")

    assert (server.bodies, gate.ended) == ([], 3)
