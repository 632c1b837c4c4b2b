"""What `vitrine status` tells, and what it does not."""

import json

from click.testing import CliRunner

from vitrine.cli import main

SECRETS = {
    "VITRINE_REDIS_URL": "rediss://shop:s3cret@redis.invalid:6379/0",
    "VITRINE_MILVUS_URI": "https://root:s3cret@milvus.invalid:19530",
    "VITRINE_MILVUS_TOKEN": "root:s3cret",
}


def test_passwords_of_configured_servers_are_masked_in_both_forms(tmp_path):
    for option in ([], ["--json"]):
        shown = CliRunner().invoke(main, ["status", *option, "--data-dir", str(tmp_path)], env=SECRETS).output
        assert "s3cret" not in shown and "shop:***@redis.invalid" in shown
    assert json.loads(shown)["milvus"]["uri"] == "https://root:***@milvus.invalid:19530"
