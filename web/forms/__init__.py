"""The form of a new export, in parts: what can be chosen, lists of ids, and searches in the catalogue."""
