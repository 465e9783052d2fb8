"""The local server: it comes back with the same people, keeps secrets, and says why it cannot start."""

from __future__ import annotations

import pytest

from tests.annotation.label_studio import LabelStudioServer

pytestmark = pytest.mark.slow


def test_killed_and_started_again_it_is_the_same(server: LabelStudioServer) -> None:
    before = server.accounts
    project = server.client().projects.create(title="kept", label_config="<View></View>")
    server.kill()
    assert not server.is_running()
    assert server.restart() == before
    assert server.client("ada").projects.get(project.id).title == "kept"
