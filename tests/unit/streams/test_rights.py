from __future__ import annotations

import re
from typing import get_args

from streams.failures.delay_lines import DELAY_LINES
from streams.rights import ROLES, Role, grant_commands, rights_of
from tests.paths import ROOT

DOCUMENT = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def documented_rights(role: str) -> set[tuple[str, str, str]]:
    """(resource, name, operation) of a role, as the table of the document has them."""
    row = re.search(rf"(?m)^\| `{role}` \|.*\|$", DOCUMENT)
    assert row, f"docs/security.md has no row for the role {role}"
    found: set[tuple[str, str, str]] = set()
    for resource, operations, names in re.findall(r"(topics?|groups?) ([A-Z, a-z]+): ((?:`[^`]+`(?:, )?)+)", row[0]):
        for name in re.findall(r"`([^`]+)`", names):
            for operation in operations.split(", "):
                found.add((resource.rstrip("s"), name, operation))
    return found


def expected_rights(role: Role) -> set[tuple[str, str, str]]:
    lines = {line.topic for line in DELAY_LINES}
    return {
        (right.resource, "vitrine.retry.1s…1h" if right.name in lines else right.name + "*" * right.prefixed, operation)
        for right in rights_of(role, "vitrine-indexer")
        for operation in right.operations
    }


def test_the_document_lists_the_rights_of_each_role() -> None:
    assert set(ROLES) == set(get_args(Role))
    for role in ROLES:
        assert documented_rights(role) == expected_rights(role), role


def test_commands_grant_each_right_to_one_principal() -> None:
    rights = rights_of("query", "my group")
    commands = list(grant_commands(rights, "User:o'brien", "kafka:9092"))
    assert len(commands) == len(rights)
    assert all("--add --allow-principal 'User:o'\"'\"'brien'" in command for command in commands)
    assert "--operation Describe --group 'my group' --resource-pattern-type prefixed" in commands[-1]
