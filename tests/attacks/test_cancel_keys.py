"""Nobody cancels what is another's: the key is a secret, and knowing the process is not enough."""

from __future__ import annotations

import socket
import threading
import time
from itertools import pairwise

from gateway.wire import backend as b
from gateway.wire import frontend as f
from tests.attacks.clients import AttackClient, shown
from tests.attacks.worlds import EVE, TINA
from tests.gateway import RunningGateway

_SLEEP = "SELECT 'slept' FROM pg_sleep(0.6)"


def _cancel(address: tuple[str, int], process: int, key: bytes) -> bytes:
    """Send a CancelRequest and return what comes back, which must be nothing."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(f.CancelRequest(process, key).encode())
        return connection.recv(100)


def _key(client: AttackClient) -> b.BackendKeyData:
    assert isinstance(client.key, b.BackendKeyData)
    return client.key


def test_wrong_keys_cancel_nothing(world_gateways: dict[str, RunningGateway]) -> None:
    address = (world_gateways["A"].host, world_gateways["A"].port)
    tina, eve = AttackClient(address, TINA), AttackClient(address, EVE)
    answers: list[list[str]] = []
    asking = threading.Thread(target=lambda: answers.append(shown(tina.ask(f.Query(_SLEEP)))))
    asking.start()
    time.sleep(0.1)
    known = _key(tina)
    near = int.from_bytes(known.secret_key, "big")
    guesses = [bytes(len(known.secret_key)), _key(eve).secret_key]
    guesses += [((near + step) % (1 << 8 * len(known.secret_key))).to_bytes(len(known.secret_key), "big")
                for step in (*range(-20, 0), *range(1, 21))]  # fmt: skip
    assert {_cancel(address, known.process_id, guess) for guess in guesses} == {b""}
    asking.join()
    assert answers == [["slept"]]
    tina.close()
    eve.close()


def test_the_right_key_cancels(world_gateways: dict[str, RunningGateway]) -> None:
    address = (world_gateways["A"].host, world_gateways["A"].port)
    tina = AttackClient(address, TINA)
    tina.send(f.Query("SELECT 'slept' FROM pg_sleep(20)"))
    time.sleep(0.3)
    assert _cancel(address, _key(tina).process_id, _key(tina).secret_key) == b""
    tina.received.clear()
    while tina.message()[0] != b"Z":
        pass
    assert shown(tina.received) == ["ERROR 57014: canceling statement due to user request"]
    tina.close()


def test_keys_are_not_alike(world_gateways: dict[str, RunningGateway]) -> None:
    address = (world_gateways["A"].host, world_gateways["A"].port)
    clients = [AttackClient(address, TINA) for _ in range(8)]
    keys = [int.from_bytes(_key(client).secret_key, "big") for client in clients]
    for client in clients:
        client.close()
    assert len({*keys}) == len(keys)
    assert len({second - first for first, second in pairwise(keys)}) > 1
