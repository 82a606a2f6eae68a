"""One config trained several times, each a whole run: how much of a figure is luck."""
