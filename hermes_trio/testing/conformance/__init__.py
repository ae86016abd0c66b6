"""Conformance: what every implementation of a port must do, as checks that anybody's tests can call.

`clauses.py` is what a clause is and how one is looked at; each port has its trial (what a clause is looked at
with), its clauses, and its `check_...`.
"""

from hermes_trio.testing.conformance.agent import check_agent as check_agent
from hermes_trio.testing.conformance.clauses import Broken as Broken
from hermes_trio.testing.conformance.clauses import Report as Report
from hermes_trio.testing.conformance.clauses import Skipped as Skipped
from hermes_trio.testing.conformance.clauses import Unable as Unable
from hermes_trio.testing.conformance.command import check_command as check_command
from hermes_trio.testing.conformance.model import check_model as check_model
from hermes_trio.testing.conformance.model_provider import Provider as Provider
from hermes_trio.testing.conformance.platform import check_platform as check_platform
from hermes_trio.testing.conformance.platform_service import Service as Service
from hermes_trio.testing.conformance.platform_service import Trouble as Trouble
from hermes_trio.testing.conformance.store import check_store as check_store
from hermes_trio.testing.conformance.store_trial import MakeStore as MakeStore
from hermes_trio.testing.conformance.tool import MakeContext as MakeContext
from hermes_trio.testing.conformance.tool import check_tool as check_tool
from hermes_trio.testing.conformance.tool import tool_call as tool_call
