"""Slices in time as a Perfetto trace, which ui.perfetto.dev opens.

A trace is a sequence of protocol-buffer messages; the few fields that are needed are written here
by hand. Numbers of fields are those of ``protos/perfetto/trace/trace_packet.proto`` and
``track_event/*.proto`` of github.com/google/perfetto. Names are interned: each is written once.

Two packets a slice are all that grows, so they are written as arrays of bytes of one width:
protocol buffers allow a number to be padded with bytes that hold nothing but the bit that says
that another one follows.

Legend for shapes: S slices of a track.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# wire types of fields
_VARINT, _BYTES = 0, 2

# fields of Trace and TracePacket
_PACKET = 1
_TIMESTAMP, _SEQUENCE, _TRACK_EVENT, _INTERNED, _FLAGS, _DESCRIPTOR = 8, 10, 11, 12, 13, 60
# of TrackDescriptor, ProcessDescriptor, ThreadDescriptor
_UUID, _PROCESS, _THREAD = 1, 3, 4
_PID, _PROCESS_NAME = 1, 6
_TID, _THREAD_NAME = 2, 5
# of TrackEvent, InternedData, EventName
_TYPE, _NAME_IID, _TRACK_UUID = 9, 10, 11
_EVENT_NAMES, _IID, _NAME = 2, 1, 2

#: Values of TrackEvent.type and of TracePacket.sequence_flags.
_BEGIN, _END = 1, 2
_STATE_CLEARED, _NEEDS_STATE = 1, 2

#: All packets belong to one sequence, which shares interned names.
_ONE = 1

#: Bytes of padded numbers: 56 bits of nanoseconds are two years, 21 bits tell tracks and names.
_TIME_BYTES, _ID_BYTES = 8, 3


class Track(NamedTuple):
    """Slices of one thread, one after the other.

    Attributes
    ----------
    process, thread : names; tracks with the same process name stand together.
    start_s, end_s : float64, shape (S,), of each slice; none begins before the one before ends.
    name : int64, shape (S,), index into `names`.
    names : of slices.
    """

    process: str
    thread: str
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    name: NDArray[np.int64]
    names: Sequence[str]


def encode(tracks: Iterable[Track]) -> bytes:
    """Return a Perfetto trace.

    Examples
    --------
    >>> second = np.array([1.0])
    >>> track = Track("device 0", "compute", 0 * second, second, np.array([0]), ["forward"])
    >>> encode([track, track]).count(b"forward")  # each name is written once
    1
    """
    found = list(tracks)
    names = {name: iid for iid, name in enumerate(_all_names(found), start=1)}
    pids = {name: pid for pid, name in enumerate(dict.fromkeys(t.process for t in found), start=1)}
    parts = [_interned(names)]
    # numbers of tracks: processes first
    parts += [
        _descriptor(pid, _message(_PROCESS, _number(_PID, pid) + _text(_PROCESS_NAME, name)))
        for name, pid in pids.items()
    ]
    for uuid, track in enumerate(found, start=len(pids) + 1):
        thread = _number(_PID, pids[track.process]) + _number(_TID, len(pids) + uuid)
        thread += _text(_THREAD_NAME, track.thread)
        parts.append(_descriptor(uuid, _message(_THREAD, thread)))
        iids = np.array([names[name] for name in track.names], np.int64)[track.name]
        parts.append(_slices(uuid, track, iids))
    return b"".join(parts)


def _all_names(tracks: Iterable[Track]) -> dict[str, None]:
    return dict.fromkeys(name for track in tracks for name in track.names)


def _slices(uuid: int, track: Track, iids: NDArray[np.int64]) -> bytes:
    """Return the packets of a track's slices, begin and end of each in turn."""
    begin = _event(_BEGIN, uuid, _tag(_NAME_IID, _VARINT) + bytes(_ID_BYTES))
    end = _event(_END, uuid, b"")
    packets = np.tile(np.frombuffer(begin + end, np.uint8), (len(iids), 1))
    # the time is the first field of a packet, the name's number the last one
    first = len(_message(_PACKET, bytes(100))) - 100 + len(_tag(_TIMESTAMP, _VARINT))
    for offset, seconds in ((first, track.start_s), (len(begin) + first, track.end_s)):
        nanoseconds = np.rint(1e9 * seconds).astype(np.int64)
        packets[:, offset : offset + _TIME_BYTES] = _padded(nanoseconds, _TIME_BYTES)
    packets[:, len(begin) - _ID_BYTES : len(begin)] = _padded(iids, _ID_BYTES)
    return packets.tobytes()


def _event(kind: int, uuid: int, name: bytes) -> bytes:
    """Return the packet of one end of a slice, with zeros where its time and name will be."""
    event = _number(_TYPE, kind) + _tag(_TRACK_UUID, _VARINT)
    event += _padded(np.array([uuid]), _ID_BYTES).tobytes() + name
    return _message(
        _PACKET,
        _tag(_TIMESTAMP, _VARINT) + bytes(_TIME_BYTES) + _number(_SEQUENCE, _ONE)
        + _number(_FLAGS, _NEEDS_STATE) + _message(_TRACK_EVENT, event),
    )  # fmt: skip


def _interned(names: dict[str, int]) -> bytes:
    entries = b"".join(
        _message(_EVENT_NAMES, _number(_IID, iid) + _text(_NAME, name))
        for name, iid in names.items()
    )
    return _message(
        _PACKET,
        _number(_SEQUENCE, _ONE) + _number(_FLAGS, _STATE_CLEARED) + _message(_INTERNED, entries),
    )


def _descriptor(uuid: int, of: bytes) -> bytes:
    descriptor = _message(_DESCRIPTOR, _number(_UUID, uuid) + of)
    return _message(_PACKET, _number(_SEQUENCE, _ONE) + descriptor)


def _padded(values: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Return numbers of 7 bits a byte, the lowest first: uint8, shape (S, width).

    >>> _padded(np.array([300]), 3).tolist()
    [[172, 130, 0]]
    """
    digits = (values[:, np.newaxis] >> (7 * np.arange(width))) & 0x7F
    digits[:, :-1] |= 0x80
    return digits.astype(np.uint8)


def _varint(value: int) -> bytes:
    """Return a number in as few bytes as it takes.

    >>> _varint(300).hex()
    'ac02'
    """
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _tag(field, _BYTES) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
