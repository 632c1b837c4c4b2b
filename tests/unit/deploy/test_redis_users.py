"""The rights of roles in Redis are the same in the file that operators use and in the document that explains them."""

from tests.paths import ROOT


def test_the_document_has_the_lines_of_the_file():
    lines = (ROOT / "deploy" / "redis" / "users.txt").read_text().splitlines()
    document = (ROOT / "docs" / "security.md").read_text()
    assert len(lines) == 3 and all(f"\n{line}\n" in document for line in lines)


def test_no_role_has_dangerous_commands_or_the_keys_of_other_programs():
    for line in (ROOT / "deploy" / "redis" / "users.txt").read_text().splitlines():
        rules = line.split()
        assert rules[:3] == ["ACL", "SETUSER", rules[2]] and ">PASSWORD" in rules
        # What comes later wins.
        assert rules.index("-@all") < rules.index("+@write") < rules.index("-@dangerous")
        keys = [rule for rule in rules if "~" in rule]
        assert keys and all(rule.partition("~")[2].startswith("vitrine:") for rule in keys)
