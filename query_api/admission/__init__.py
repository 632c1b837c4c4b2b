"""How many searches are worked on at a time: what is over is refused at once, instead of making all of them late."""
