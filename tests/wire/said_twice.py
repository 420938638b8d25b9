"""Conversations had with the gateway and with PostgreSQL, and openings that prove nothing had with the gateway."""

from __future__ import annotations

from collections.abc import Sequence

from tests.gateway import ADA, RunningGateway, SampleLake
from tests.wire.fuzzing import PATIENCE, Batch, Client, Place, opening


def places_of(gateway: RunningGateway, lake: SampleLake) -> tuple[Place, Place]:
    """Return the gateway, and PostgreSQL with the same small tables."""
    address = lake.server.address("reference")
    ours = Place(gateway.host, gateway.port, gateway.dsn(), ADA, gateway.database)
    return ours, Place(address.host, address.port, lake.reference_dsn, lake.server.superuser, "reference")


def differences(
    places: tuple[Place, Place], batches: Sequence[Batch], version: str = "3.0", patience: float = PATIENCE
) -> list[str]:
    """Have a conversation with both servers; return the first place where they answer differently."""
    ours, theirs = (Client(place, logged_in=True, version=version, patience=patience) for place in places)
    try:
        for batch in batches:
            got, wanted = ours.say(batch), theirs.say(batch)
            if batch.broken:  # what was begun with a wrong length has no end: that it is answered or waited for counts
                break
            if got != wanted:
                return [f"{batch.data!r}", f"gateway:    {got}", f"PostgreSQL: {wanted}"]
            if ours.ended:
                break
    finally:
        ours.close()
        theirs.close()
    return []


def unproven(seed: int, place: Place) -> list[str]:
    """Say what comes instead of a login; return what was answered where it should not have been."""
    client = Client(place, logged_in=False)
    try:
        for data in opening(seed, place):
            told = client.say_first(data)
            if not told:
                return ["no answer"]
            if "R 0" in told:  # nobody has proved who he is
                return told
            if client.ended or told[-1] == "waits":
                break
    finally:
        client.close()
    return []
