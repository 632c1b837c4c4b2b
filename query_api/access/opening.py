"""The gate of a worker, put together from its settings."""

from __future__ import annotations

import functools

from query_api.access.access_control import AccessControl
from query_api.access.gate import AccessGate
from query_api.access.key_file import FileApiKeys, read_key_file
from query_api.access.key_store import ApiKeyStore, KeyRecords, StoredApiKeys
from query_api.access.provider_tokens import ProviderTokens
from query_api.access.rate_limits import SharedCounts
from query_api.access.shopper_tokens import ShopperTokens
from query_api.access.signing_key_sources import fetch_signing_keys
from query_api.access.signing_keys import SigningKeys
from query_api.access.token_secrets import TokenSecrets
from query_api.access.verified_keys import VerifiedKeys
from query_api.access_config import AccessConfig


def key_store(config: AccessConfig, records: KeyRecords) -> ApiKeyStore:
    """Where API keys are kept: in the file, if there is to be one, else in the records of Redis."""
    return FileApiKeys(config.api_keys_file) if config.api_keys_file else StoredApiKeys(records)


async def open_gate(config: AccessConfig, host: str, records: KeyRecords, counts: SharedCounts | None) -> AccessGate:
    """The gate, which has looked for keys once; its `run` is the caller's to start.

    Args:
        host: what the worker listens on.

    Raises:
        InvalidAccess: a file, a secret, a rate or the address cannot be used; the message says what to change.
    """
    if config.api_keys_file:
        read_key_file(FileApiKeys(config.api_keys_file).path)
    keys = VerifiedKeys(key_store(config, records))
    await keys.refresh()
    shoppers = None
    if config.token_secret or config.token_secret_file:
        shoppers = ShopperTokens(TokenSecrets(config.token_secret, config.token_secret_file), config.token_max_s)
    provider = None
    if config.jwks_url:
        provider = ProviderTokens(SigningKeys(functools.partial(fetch_signing_keys, config.jwks_url)), config)
    gate = AccessGate(config, host, AccessControl(config, keys, shoppers, provider), counts)
    gate.check_bind()
    return gate
