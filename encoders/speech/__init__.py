"""Speech to text: sound files decoded within bounds, recognisers by name, and what makes them know a catalogue's words."""
