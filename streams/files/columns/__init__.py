"""What the columns of shops' tables mean, and how their cells are read as the types that events have."""
