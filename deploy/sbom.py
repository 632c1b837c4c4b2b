"""The bill of materials of an image: what uv says of the lock file as CycloneDX, with the licence of each package.

`make sbom` writes them to build/. Hashes are those of uv.lock; licences are read of the packages that are installed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from deploy.licences import licence_of


def with_licences(document: dict[str, Any]) -> dict[str, Any]:
    """A CycloneDX document whose components say their licence, as far as they are installed here."""
    for component in document["components"]:
        found = licence_of(component["name"], component["version"])
        if found is not None and found.expression:
            component["licenses"] = [{"expression": found.expression}]
    return document


def main() -> int:
    """Read uv's document from standard input and write it with licences; 1 where one is not known."""
    document = with_licences(json.load(sys.stdin))
    json.dump(document, sys.stdout, indent=1)
    unknown = [component["name"] for component in document["components"] if "licenses" not in component]
    for name in unknown:
        print(f"{name}: not installed here, so its licence is not known", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
