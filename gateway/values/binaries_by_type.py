"""Built-in types that come as PostgreSQL's text and that the engine does not know: what makes their binary format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pyarrow as pa

from gateway.values import geometric_binaries, network_binaries, rare_binaries, text_binaries
from gateway.values.fields import Field
from gateway.values.registry import BOX, INT2, OID

BINARIES: Mapping[int, Callable[[pa.Array], Field]] = {
    **dict.fromkeys(text_binaries.BITS, text_binaries.bits_binary),
    22: partial(rare_binaries.vector_binary, element=INT2, size=2),
    27: rare_binaries.tid_binary,
    30: partial(rare_binaries.vector_binary, element=OID, size=4),
    **{oid: partial(geometric_binaries.fixed_binary, count=n) for oid, n in geometric_binaries.NUMBERS.items()},
    geometric_binaries.PATH: geometric_binaries.path_binary,
    geometric_binaries.POLYGON: geometric_binaries.polygon_binary,
    650: partial(network_binaries.inet_binary, is_cidr=True),
    774: partial(network_binaries.macaddr_binary, size=8),
    829: partial(network_binaries.macaddr_binary, size=6),
    869: network_binaries.inet_binary,
    1266: rare_binaries.timetz_binary,
    3220: rare_binaries.lsn_binary,
    3614: rare_binaries.tsvector_binary,
    4072: rare_binaries.jsonpath_binary,
    5038: rare_binaries.snapshot_binary,
    5069: rare_binaries.xid8_binary,
}
"""By oid: an encoder of strings. NULLs stay."""

ARRAYS: Mapping[int, int] = {
    1006: 22, 1010: 27, 1013: 30, 1017: 600, 1018: 601, 1019: 602, 1020: BOX, 1027: 604, 629: 628, 719: 718, 651: 650,
    775: 774, 1040: 829, 1041: 869, 1270: 1266, 1561: 1560, 1563: 1562, 3221: 3220, 3643: 3614, 4073: 4072,
    5039: 5038, 271: 5069, 3905: 3904, 3927: 3926, 3907: 3906, 3913: 3912, 3909: 3908, 3911: 3910,
    6150: 4451, 6157: 4536, 6151: 4532, 6155: 4535, 6152: 4533, 6153: 4534,
}  # fmt: skip
"""The array types of these, of ranges and of multiranges, and the types of their elements."""
