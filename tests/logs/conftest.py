"""Both homes behind one fixture, and tests that are coroutines."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import uuid
from collections.abc import Callable

import pytest

from streams.logs import Log, open_log

_names = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in a loop of its own, for 60 s at most."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


@pytest.fixture
def log(address: str) -> Log:
    """A log that the test starts and stops."""
    return open_log(address)


@pytest.fixture
def topic() -> str:
    """A name that no other test uses."""
    return f"t{next(_names)}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def name() -> Callable[[], str]:
    """As many such names as wanted."""
    return lambda: f"t{next(_names)}-{uuid.uuid4().hex[:8]}"
