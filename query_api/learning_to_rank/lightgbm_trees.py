"""Trees as LightGBM tells them, made ours. Pure: LightGBM itself is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from query_api.learning_to_rank.trees import Tree


def trees_of(model: Mapping[str, Any]) -> list[Tree]:
    """The trees in what LightGBM's `Booster.dump_model` gives.

    Raises:
        ValueError: a split is by category, or takes zeros for missing values.
    """
    return [_tree(told["tree_structure"]) for told in model["tree_info"]]


def _tree(root: Mapping[str, Any]) -> Tree:
    tree = Tree([], [], [], [], [], [0.0])
    tree.leaf.clear()
    _add(tree, root)
    return Tree(tree.feature, tree.threshold, tree.nan_left, tree.left, tree.right, tree.leaf)


def _add(tree: Tree, node: Mapping[str, Any]) -> int:
    """Add a node with all under it; how a parent names it."""
    if "leaf_value" in node:
        tree.leaf.append(float(node["leaf_value"]))
        return -len(tree.leaf)
    if node["decision_type"] != "<=" or node["missing_type"] not in ("None", "NaN"):
        raise ValueError(f"a split by {node['decision_type']} with missing values as {node['missing_type']}")
    at, threshold = len(tree.feature), float(node["threshold"])
    tree.feature.append(int(node["split_feature"]))
    tree.threshold.append(threshold)
    # Where no row of the training lacked the value, LightGBM takes 0 for it.
    tree.nan_left.append(bool(node["default_left"]) if node["missing_type"] == "NaN" else threshold >= 0)
    tree.left.append(0)
    tree.right.append(0)
    tree.left[at] = _add(tree, node["left_child"])
    tree.right[at] = _add(tree, node["right_child"])
    return at
