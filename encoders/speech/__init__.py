"""Speech to text: recognisers by name, and how they learn a catalogue's words."""
