"""Reproducible ZIP archives in constant memory: fragments written apart, assembled by copying.

Workers write fragments: local headers and data, then a directory whose offsets count from the start of the
fragment. The assembler copies the data unread and only shifts offsets, so the archive has the same bytes
however its members were cut into fragments. Dates, modes and flags are fixed.

Whatever is read back is read by `verification`: every member of a fragment as soon as it lies in the store, and
every byte of the finished archive.
"""
