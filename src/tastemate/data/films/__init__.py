"""The bundled sample: films described by hand, people and their ratings made by a program."""
