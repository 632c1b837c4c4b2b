"""The life of generations: rebuild, compare, switch, follow, back up."""
