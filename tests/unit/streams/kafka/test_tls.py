from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from streams.config import KafkaConfig
from streams.errors import KafkaRefused
from streams.kafka.tls import ReloadingContext


class Server:
    """A TLS server in memory that asks for a certificate, and remembers whom it has seen."""

    def __init__(self, authority: trustme.CA, trusted: trustme.CA) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.verify_mode = ssl.CERT_REQUIRED
        authority.issue_cert("kafka.example").configure_cert(self._context)
        trusted.configure_trust(self._context)

    def meet(self, client: ssl.SSLContext) -> str:
        """Shake hands; the name on the client's certificate."""
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ours = client.wrap_bio(to_client, to_server, server_hostname="kafka.example")
        theirs = self._context.wrap_bio(to_server, to_client, server_side=True)
        done = {ours: False, theirs: False}
        while not all(done.values()):
            for side in (ours, theirs):
                try:
                    side.do_handshake()
                    done[side] = True
                except ssl.SSLWantReadError:
                    pass
        certificate = theirs.getpeercert()
        assert certificate
        return next(value for part in certificate["subject"] for name, value in part if name == "commonName")


def write_certificate(path: Path, authority: trustme.CA, name: str) -> None:
    authority.issue_cert(f"{name}.example", common_name=name).private_key_and_cert_chain_pem.write_to_path(str(path))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def kafka(tmp_path: Path, authority: trustme.CA) -> KafkaConfig:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    write_certificate(tmp_path / "client.pem", authority, "first")
    return KafkaConfig(
        "kafka.example:9093",
        security_protocol="SSL",
        ssl_cafile=str(tmp_path / "ca.pem"),
        ssl_certfile=str(tmp_path / "client.pem"),
    )


def test_the_next_handshake_shows_the_certificate_that_is_in_the_file(
    kafka: KafkaConfig, authority: trustme.CA
) -> None:
    context, server = ReloadingContext(kafka), Server(authority, authority)
    assert server.meet(context) == "first"
    write_certificate(Path(kafka.ssl_certfile), authority, "second")
    assert server.meet(context) == "second"


def test_an_authority_that_was_taken_out_is_trusted_no_more(kafka: KafkaConfig, authority: trustme.CA) -> None:
    context, successor = ReloadingContext(kafka), trustme.CA()
    Server(authority, authority).meet(context)
    successor.cert_pem.write_to_path(kafka.ssl_cafile)
    Server(successor, authority).meet(context)
    with pytest.raises(ssl.SSLCertVerificationError):
        Server(authority, authority).meet(context)


def test_files_that_are_not_whole_leave_the_last_ones_in_force(
    kafka: KafkaConfig, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    context, server = ReloadingContext(kafka), Server(authority, authority)
    whole = Path(kafka.ssl_certfile).read_text()
    Path(kafka.ssl_certfile).write_text(whole[: len(whole) // 3])
    assert server.meet(context) == "first"
    Path(kafka.ssl_certfile).unlink()
    assert server.meet(context) == "first"
    assert "kafka_certificates_not_read" in caplog.text
    write_certificate(Path(kafka.ssl_certfile), authority, "second")
    assert server.meet(context) == "second"


def test_a_key_of_another_certificate_is_refused_at_the_start(
    kafka: KafkaConfig, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.issue_cert("other.example").private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    with pytest.raises(KafkaRefused, match="the key belongs to another certificate"):
        ReloadingContext(
            KafkaConfig(
                "kafka.example:9093",
                security_protocol="SSL",
                ssl_certfile=kafka.ssl_certfile,
                ssl_keyfile=str(tmp_path / "key.pem"),
            )
        )


def test_an_encrypted_key_is_opened_by_its_password_and_never_asks_the_terminal(
    kafka: KafkaConfig, authority: trustme.CA, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate = authority.issue_cert("shop.example", common_name="encrypted")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))
    Path(kafka.ssl_certfile).write_bytes(certificate.cert_chain_pems[0].bytes())
    (tmp_path / "key.pem").write_bytes(sealed)
    (tmp_path / "password").write_text("open sesame\n")

    def config(**password: str) -> KafkaConfig:
        files = {"ssl_cafile": kafka.ssl_cafile, "ssl_certfile": kafka.ssl_certfile}
        key_file = str(tmp_path / "key.pem")
        return KafkaConfig("kafka.example:9093", security_protocol="SSL", ssl_keyfile=key_file, **files, **password)

    server = Server(authority, authority)
    assert server.meet(ReloadingContext(config(ssl_password="open sesame"))) == "encrypted"
    assert server.meet(ReloadingContext(config(ssl_password_file=str(tmp_path / "password")))) == "encrypted"
    for wrong in ({}, {"ssl_password": "sesame"}):
        with pytest.raises(KafkaRefused, match="ssl_password does not open the key") as refused:
            ReloadingContext(config(**wrong))
        assert "sesame" not in str(refused.value)
