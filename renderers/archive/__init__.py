"""Reproducible ZIP archives in constant memory: fragments are written separately and joined by copying.

Workers write fragments: local headers and data, then a directory whose offsets count from the start of the fragment.
The assembler copies the data unchanged and only shifts offsets, so the archive's bytes do not depend on the division
into fragments. Dates, modes and flags are fixed.

`verification` reads every member of a stored fragment and every byte of the finished archive; `directory` finds
single members.
"""
