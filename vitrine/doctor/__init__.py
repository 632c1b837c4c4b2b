"""What newcomers and operators get wrong: looked for, and said with the way out. Nothing is ever changed."""
