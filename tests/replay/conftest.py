from tests.daemon.conftest import place as place
