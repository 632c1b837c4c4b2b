"""Speech to text: sounds decoded within bounds, recognisers by name, and how they come to know a catalogue's words."""
