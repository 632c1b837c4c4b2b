from __future__ import annotations

from typing import Any

import pytest

from streams.config import KafkaConfig

SCRAM: dict[str, Any] = {
    "bootstrap_servers": "kafka:9093",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "sasl_username": "vitrine",
    "sasl_password": "secret",
}
OAUTH: dict[str, Any] = {
    "bootstrap_servers": "kafka:9093",
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "OAUTHBEARER",
    "sasl_oauth_token_url": "https://id.example/token",
    "sasl_oauth_client_id": "vitrine",
    "sasl_oauth_client_secret": "secret",
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        SCRAM,
        SCRAM | {"sasl_password": "", "sasl_password_file": "/run/secrets/kafka"},
        SCRAM | {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"},
        OAUTH | {"sasl_oauth_extensions": ("logicalCluster=lkc-1", "identityPoolId=pool-1")},
        {"bootstrap_servers": "kafka:9093", "security_protocol": "SSL", "ssl_check_hostname": False},
    ],
)
def test_settings_that_belong_together(settings: dict[str, Any]) -> None:
    kafka = KafkaConfig(**settings)
    assert "secret'" not in repr(kafka), "a secret shows in what is printed of a configuration"


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        ({"security_protocol": "SSL"}, ["needs kafka.bootstrap_servers"]),
        (SCRAM | {"sasl_mechanism": ""}, ["SASL_SSL needs kafka.sasl_mechanism"]),
        (SCRAM | {"security_protocol": "SSL"}, ["SCRAM-SHA-512 needs kafka.security_protocol = SASL_SSL"]),
        (
            SCRAM | {"sasl_username": "", "sasl_password": ""},
            ["kafka.sasl_username", "kafka.sasl_password or"],
        ),
        (SCRAM | {"sasl_password_file": "f"}, ["needs just one of kafka.sasl_password or kafka.sasl_password_file"]),
        (SCRAM | {"sasl_oauth_scope": "kafka"}, ["kafka.sasl_oauth_scope needs kafka.sasl_mechanism = OAUTHBEARER"]),
        (OAUTH | {"sasl_username": "u"}, ["kafka.sasl_username needs kafka.sasl_mechanism = PLAIN"]),
        (OAUTH | {"sasl_oauth_token_url": "id"}, ["must begin with https://"]),
        (OAUTH | {"sasl_oauth_client_id": "", "sasl_oauth_client_secret": ""}, ["_client_id", "_client_secret_file"]),
        (OAUTH | {"sasl_oauth_extensions": ("nonsense",)}, ["takes NAME=VALUE"]),
        ({"ssl_cafile": "ca.pem", "ssl_certfile": "c"}, ["kafka.ssl_cafile, kafka.ssl_certfile need"]),
        (SCRAM | {"ssl_keyfile": "key.pem"}, ["kafka.ssl_keyfile needs kafka.ssl_certfile"]),
        (SCRAM | {"ssl_certfile": "c", "ssl_password": "p", "ssl_password_file": "f"}, ["set one of them"]),
        ({"ssl_check_hostname": False}, ["ssl_check_hostname = false needs SSL"]),
        (
            SCRAM | {"sasl_username": "", "deadline_s": 0, "partitions": 0},
            ["_username", "deadline_s", "partitions"],
        ),
    ],
)
def test_all_faults_are_named_at_once(settings: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(ValueError) as refused:
        KafkaConfig(**settings)
    assert all(fault in str(refused.value) for fault in faults), refused.value
    assert "secret" not in str(refused.value).replace("client_secret", "")
