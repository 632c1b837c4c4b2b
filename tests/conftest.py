"""Settings for all tests."""

from hypothesis import HealthCheck, settings

# The machine may be slow or shared: a property is right or wrong, never late.
settings.register_profile("vitrine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vitrine")

pytest_plugins = ["tests.collector", "tests.servers", "tests.stack"]
