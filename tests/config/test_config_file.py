"""What is wrong in a config file is refused, with file, line, key and what was probably meant."""

from __future__ import annotations

import os
import time

import pytest

from hermes_trio.config.foreign_toml import TOML_CHARS_MAX
from hermes_trio.config.known_endpoints import KNOWN_ENDPOINTS, SPOKEN, how_to_reach
from hermes_trio.config.load import load, load_for_another
from hermes_trio.config.secret_files import Files
from hermes_trio.daemon.state_dir.folder import state_dir_of
from hermes_trio.errors import ConfigWrong

MINIMAL = '[platforms.pigeon]\ntoken = "env:PIGEON_TOKEN"\n'


def test_what_is_not_said_has_its_default(read):
    config = read(MINIMAL)
    assert config.gateway.drain_timeout_s == 20.0
    assert config.gateway.busy == "queue"
    assert config.session.scope == "user"
    assert config.agent.steps_max == 60
    assert config.model.name == "gpt-5.5"
    assert config.model.fallback == ()
    assert config.tools.names == ("now", "sleep")
    assert config.accounts[0].options.feed == "corn"
    assert not config.terminal_implied


def test_enable_adds_to_the_tools_that_are_on_and_disable_takes_away(read):
    tools = read(MINIMAL + '[tools]\nenable = ["sleep"]\ndisable = ["now"]').tools
    assert tools.names == ("sleep",)
    assert read(MINIMAL + '[tools]\nenable = ["sleep"]').tools.names == ("now", "sleep")


def test_a_whole_number_will_do_for_seconds(read):
    drain_timeout_s = read(MINIMAL + "[gateway]\ndrain_timeout_s = 3").gateway.drain_timeout_s
    assert drain_timeout_s == 3.0
    assert isinstance(drain_timeout_s, float)


def test_the_parts_of_a_stop_add_up(read):
    assert read(MINIMAL + "[gateway]\ndrain_timeout_s = 3").stop_s == 2 + 3 + 2 + 5 + 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[gateway]\ndrain_timout_s = 20.0",
            "2: gateway.drain_timout_s: unknown key; did you mean drain_timeout_s?",
        ),
        ("[gatway]\n", "1: gatway: unknown key; did you mean gateway?"),
        ("busy = 'queue'", "1: busy: unknown key; it belongs in [gateway]"),
        ("[session]\nqueue_max = 1", "2: session.queue_max: unknown key; it belongs in [gateway]"),
        ("[session]\nbusi = 1", "2: session.busi: unknown key; did you mean gateway.busy?"),
        (
            "[tools]\nzzzzzz = 1",
            "2: tools.zzzzzz: unknown key; valid here: disable, enable, mount, network, sandbox,"
            " workspace_dir, workspace_mib",
        ),
        ("\n[gateway.session]", "2: gateway.session: unknown key; it belongs at the top level"),
        ("gateway = 3", "1: gateway: must be a table: [gateway]"),
        ("[[gateway]]", "1: gateway: must be a table: [gateway]"),
        ("platforms = 0", "1: platforms: must hold tables: [platforms.NAME]"),
        ("[platforms]\npigeon = 0", "2: platforms.pigeon: must be a table: [platforms.pigeon]"),
        ("[platforms.pigon]", "1: platforms.pigon: unknown platform; did you mean pigeon?"),
        ("[platforms.zzz]", "1: platforms.zzz: unknown platform; there are: lame, pigeon, terminal"),
        ("[model.fallback]", "1: model.fallback: must be a list of tables: [[model.fallback]]"),
        (
            "[[model.fallback]]\nfallback = []",
            "2: model.fallback[0].fallback: unknown key; it belongs in [model]",
        ),
        (
            "[[model.fallback]]\n[[model.fallback]]\nnam = 'x'",
            "3: model.fallback[1].nam: unknown key; did you mean name?",
        ),
        (
            "[platforms.pigeon]\n\ntoken = 'env:PIGEON_TOKEN'\nfed = 'corn'",
            "4: platforms.pigeon.fed: unknown key; did you mean feed?",
        ),
        ("[platforms.pigeon]", "1: platforms.pigeon.token: is missing and has no default"),
        ("[tools]\nenable = [\n'now',\n'slep']", "4: tools.enable[1]: unknown tool; did you mean sleep?"),
        ("[tools]\ndisable = ['slep']", "2: tools.disable[0]: unknown tool; did you mean sleep?"),
        ("[tools]\nenable = 'now'", "2: tools.enable: must be a list in [ ]"),
        ("[tools]\nenable = [3]", '2: tools.enable[0]: must be text in "quotes", not a whole number'),
        (
            "[gateway]\nbusy = 'steeer'",
            '2: gateway.busy: must be one of "queue", "steer", "interrupt"; did you mean "steer"?',
        ),
        ("[gateway]\nbusy = 3", '2: gateway.busy: must be text in "quotes", not a whole number'),
        ("[agent]\nprompt = true", '2: agent.prompt: must be text in "quotes", not true or false'),
        ("[gateway]\nstate_dir = ''", "2: gateway.state_dir: must be the path of a file or folder"),
        ("[model]\nname = ''", "2: model.name: must be the name of a model"),
        ("[session]\ndaily_at = 04:00:00", '2: session.daily_at: must be a time of day, "HH:MM"'),
    ],
)
def test_the_line_the_key_and_the_nearest_valid_one_are_named(refused, text, said):
    assert f"hermes.toml:{said}" in refused(text)


@pytest.mark.parametrize("wrong", ["-1", "-0.5", "true", '"20"', "nan", "inf", "-inf", "[1]", "{}"])
@pytest.mark.parametrize(
    "key",
    [
        "gateway.drain_timeout_s",
        "gateway.turn_deadline_s",
        "gateway.give_up_after_s",
        "gateway.progress_every_s",
        "gateway.resume_freshness_s",
        "session.idle_after_s",
        "model.connect_s",
        "model.first_byte_s",
        "model.between_bytes_s",
    ],
)
def test_a_duration_is_a_finite_number_that_is_not_negative(refused, key, wrong):
    [line] = refused(f"{MINIMAL}\n[{key.partition('.')[0]}]\n{key.partition('.')[2]} = {wrong}")
    assert line.startswith(f"hermes.toml:5: {key}: must be a ")


@pytest.mark.parametrize(
    "key", ["turn_deadline_s", "give_up_after_s", "queue_max", "turns_max", "stuck_after"]
)
def test_zero_is_refused_where_it_is_nonsense(refused, key):
    [line] = refused(f"{MINIMAL}[gateway]\n{key} = 0")
    assert line.startswith(f"hermes.toml:4: gateway.{key}: must be ")


@pytest.mark.parametrize("key", ["drain_timeout_s", "progress_every_s", "resume_freshness_s"])
def test_zero_is_taken_where_it_means_off(read, key):
    assert getattr(read(f"{MINIMAL}[gateway]\n{key} = 0").gateway, key) == 0


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "true", '"1"'])
@pytest.mark.parametrize(
    "key",
    [
        "gateway.queue_max",
        "gateway.turns_max",
        "gateway.stuck_after",
        "agent.steps_max",
        "agent.same_failure_max",
        "agent.history_tokens",
    ],
)
def test_a_count_is_a_whole_number_of_at_least_one(refused, key, wrong):
    section, _, name = key.partition(".")
    assert refused(f"{MINIMAL}[{section}]\n{name} = {wrong}") == [
        f"hermes.toml:4: {key}: must be a whole number, 1 or more"
    ]


@pytest.mark.parametrize("wrong", ["24:00", "4:00", "04:60", "0400", "04:00:00", "", "04:00\\n", "²4:00"])
def test_a_time_of_day_is_two_digits_twice(refused, wrong):
    assert refused(f'{MINIMAL}[session]\ndaily_at = "{wrong}"') == [
        'hermes.toml:4: session.daily_at: must be a time of day, "HH:MM"'
    ]


@pytest.mark.parametrize(
    "url", ["api.example.com", "ftp://x/", "https://", "http://[::1", "http://h:port/", "http://h/?key=x", ""]
)
def test_a_model_has_an_address(refused, url):
    [line] = refused(f'{MINIMAL}[model]\nbase_url = "{url}"')
    assert line.startswith("hermes.toml:4: model.base_url: must ")


def test_an_address_with_a_password_is_refused_and_not_shown(refused):
    [line] = refused(f'{MINIMAL}[model]\nbase_url = "https://ada:hunter2@example.com/v1"')
    assert line == (
        "hermes.toml:4: model.base_url: must hold no user name or password; a key belongs in keys"
    )


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_file(refused):
    lines = refused("[gateway]\nbusy = 1\nqueue_max = 0\n[session]\nscop = 1\n[platforms.pigeon]\nfed = 1")
    assert [line.split(": ")[:2] for line in lines] == [
        ["hermes.toml:2", "gateway.busy"],
        ["hermes.toml:3", "gateway.queue_max"],
        ["hermes.toml:5", "session.scop"],
        ["hermes.toml:6", "platforms.pigeon.token"],
        ["hermes.toml:7", "platforms.pigeon.fed"],
    ]


TOO_MUCH = {
    "dots": ("[gateway]\na" + ".a" * 16_000 + " = 1", 2, "a key has more than 64 parts"),
    "a header of dots": ("\n\n[" + "a . " * 16_000 + "a]", 3, "a key has more than 64 parts"),
    "quoted dots": ("'a'" + '."a"' * 16_000 + " = 1", 1, "a key has more than 64 parts"),
    "dots between long words": (
        "'" + "w" * 90 + "'" + f'."{"w" * 90}"' * 64 + " = 1",
        1,
        "a key has more than 64 parts",
    ),
    "dots between quotes": ("a = 1\n" + '"\\"".' * 64 + "a = 1", 2, "a key has more than 64 parts"),
    "lists": ("[gateway]\n\na = " + "[" * 16_000, 3, "it is nested too deep"),
    "tables": ("a = " + "{a = " * 16_000, 1, "it is nested too deep"),
    "length": ("# " + "a" * TOML_CHARS_MAX, 1, "it is longer than 1048576 characters"),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_a_file_that_is_too_much_is_refused_in_one_line_and_soon(refused, what):
    text, line, why = TOO_MUCH[what]
    began = time.process_time()
    assert refused(text) == [f"hermes.toml:{line}: is not read: {why}"]
    assert time.process_time() - began < 1  # 0.02 s where nothing else runs; dots took 4 s


@pytest.mark.parametrize("what", TOO_MUCH)
def test_the_state_dir_of_such_a_file_is_refused_too(tmp_path, what):
    path = tmp_path / "hermes.toml"
    path.write_text(TOO_MUCH[what][0])
    with pytest.raises(ConfigWrong, match="is not read"):
        state_dir_of(path, {"HOME": "/home/ada"})


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[gateway]\nbusy = queue", "hermes.toml:2: gateway.busy: is not TOML: "),
        ("[gateway]\nqueue_max 100", "hermes.toml:2: gateway.queue_max: is not TOML: "),
        ("[gateway]\nbusy = 'queue'\n\nbusy = 'steer'", "hermes.toml:4: gateway.busy: is not TOML: "),
        ("[gateway\nqueue_max = 100", "hermes.toml:1: is not TOML: "),
        ("[agent]\nprompt = '''", "hermes.toml:2: agent.prompt: is not TOML: "),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_the_line_and_key(refused, text, start):
    [line] = refused(text)
    assert line.startswith(start)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[model]\nname = gpt-5.5", 'text stands in "quotes"'),
        ("[model]\nname = “gpt-5.5”", 'quotes are written straight: "text"'),
        ('[model]\nname = "gpt-5.5\nprovider = "openai"', 'a quote is opened and not closed: "text"'),
        ('[model]\nname: "gpt-5.5"', 'between a key and its value stands =, as in name = "value"'),
        ("[platforms.pigeon]\nloud = True", "write true or false"),
        ("[platforms.pigeon]\nloud = yes", "write true or false"),
        ("[model]\nname = 'a'\nname = 'b'", "name is written twice"),
        (
            "[model]\nname = 'a'\n[tools]\nenable = []\n[model]\nprovider = 'echo'",
            "[model] stands twice in this file: put the keys of both below one",
        ),
    ],
)
def test_what_is_not_toml_is_refused_with_what_is_to_be_written_there(refused, text, meant):
    [line] = refused(text)
    assert line.endswith(f"; {meant}")


def test_a_table_that_stands_twice_is_not_told_as_the_key_before_it(refused):
    [line] = refused("[model]\nname = 'a'\n[tools]\nenable = []\n[model]\nprovider = 'echo'")
    assert line.startswith("hermes.toml:5: is not TOML: ")


def test_a_platform_at_the_top_level_is_told_its_place(refused):
    wrong = refused("[pigeon]\ntoken = 'env:PIGEON_TOKEN'\n[model]\nprovider = 'echo'")
    assert wrong == ["hermes.toml:1: pigeon: unknown key; it belongs in [platforms]: [platforms.pigeon]"]


def test_of_a_key_that_nobody_has_written_it_is_said_that_it_is_the_default(refused):
    assert refused("", {"HOME": "/home/ada"}) == [
        "hermes.toml: model.keys[0]: the environment variable OPENAI_API_KEY is not set; "
        "it is the default, since the file has no model.keys"
    ]


def test_what_another_process_may_be_given_is_not_wrong_for_it(tmp_path):
    path = tmp_path / "hermes.toml"
    path.write_text('[model]\nkeys = ["env:NOT_SET_HERE"]\n')
    load_for_another(path, {"HOME": "/home/ada"})
    path.write_text('[model]\nkeys = ["env:NOT_SET_HERE"]\nname = 7\n')
    with pytest.raises(ConfigWrong, match=r"model\.name"):
        load_for_another(path, {"HOME": "/home/ada"})


def test_a_file_that_is_not_text_is_refused_with_the_line(tmp_path):
    (tmp_path / "hermes.toml").write_bytes(b"[gateway]\nbusy = '\xff'")
    with pytest.raises(ConfigWrong, match=r"hermes.toml:2: is not UTF-8"):
        load(tmp_path / "hermes.toml", environ={})


def test_what_an_adapter_says_of_its_options_is_passed_on_with_the_line(refused):
    assert refused(MINIMAL + "loft = 'roof'") == [
        "hermes.toml:3: platforms.pigeon.loft: the roof is no loft for ***"
    ]


def test_what_an_id_looks_like_is_the_platforms_business(read):
    config = read(MINIMAL + "allow_users = ['@ada:matrix.example']")
    assert config.accounts[0].options.allow_users == ["@ada:matrix.example"]


def test_a_path_is_relative_to_the_folder_of_the_file(read, tmp_path):
    assert read(MINIMAL + "[gateway]\nstate_dir = 'state'").gateway.state_dir == tmp_path / "state"
    assert str(read(MINIMAL + "[gateway]\nstate_dir = '~/state'").gateway.state_dir) == "/home/ada/state"
    assert str(read(MINIMAL + "[gateway]\nstate_dir = '/state'").gateway.state_dir) == "/state"


def test_a_prompt_may_stand_in_a_file_of_its_own(read, refused, tmp_path):
    (tmp_path / "prompt.md").write_text("Be brief.\nBe kind.\n")
    assert read(MINIMAL + "[agent]\nprompt = 'file:prompt.md'").agent.prompt == "Be brief.\nBe kind."
    [line] = refused(MINIMAL + "[agent]\nprompt = 'file:promt.md'")
    assert line.startswith("hermes.toml:4: agent.prompt: the file promt.md cannot be read: No such file")


@pytest.mark.parametrize(
    ("provider", "variable", "url"),
    [
        ("openai", "OPENAI_API_KEY", "https://api.openai.com/v1"),
        ("anthropic", "ANTHROPIC_API_KEY", "https://api.anthropic.com"),
    ],
)
def test_a_provider_brings_its_address_and_the_variable_its_tools_read(read, provider, variable, url):
    config = read(f"{MINIMAL}[model]\nprovider = '{provider}'", {"PIGEON_TOKEN": "coo", variable: "sk-9"})
    assert config.model.base_url == url
    assert [key.reveal() for key in config.model.keys] == ["sk-9"]
    assert config.model.name


def test_echo_needs_neither_address_nor_key(read):
    model = read(MINIMAL + "[model]\nprovider = 'echo'", {"PIGEON_TOKEN": "coo"}).model
    assert (model.base_url, model.keys) == ("", ())


def test_an_endpoint_that_needs_a_key_has_one(refused):
    [line] = refused(MINIMAL + "[model]\nkeys = []")
    assert line == (
        'hermes.toml:4: model.keys: must name at least one key: ["env:OPENAI_API_KEY"], or '
        '["file:model.key"] with a file beside this one. A server that wants none takes any: '
        "write a word into the file"
    )


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("ollama", 'ollama is reached with provider = "openai", base_url = "http://localhost:11434/v1"'),
        (
            "OpenRouter",
            'OpenRouter is reached with provider = "openai", base_url = "https://openrouter.ai/api/v1"',
        ),
        ("lm_studio", 'lm_studio is reached with provider = "openai", base_url = "http://localhost:1234/v1"'),
        ("claude", 'write provider = "anthropic"'),
        ("anthropics", "did you mean anthropic?"),
        ("pigeons", "there are: anthropic, echo, openai"),
    ],
)
def test_a_service_that_is_no_provider_is_told_how_to_be_reached(refused, name, how):
    [line] = refused(MINIMAL + f"[model]\nprovider = '{name}'\nkeys = []")
    assert line == f"hermes.toml:4: model.provider: unknown provider; {how}"


def test_what_is_said_of_a_service_is_right_once_it_is_written(read):
    for name, url in KNOWN_ENDPOINTS.items():
        assert url in how_to_reach(name)
        text = f"[model]\nprovider = '{SPOKEN}'\nbase_url = '{url}'\nname = 'm'\nkeys = ['env:K']"
        assert read(MINIMAL + text, {"PIGEON_TOKEN": "coo", "K": "sk-9"}).model.base_url == url


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a folder"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "there"
    match kind:
        case "a pipe":
            os.mkfifo(path)
        case "a device":
            path.symlink_to("/dev/zero")
        case "a folder":
            path.mkdir()
    why = "Is a directory" if kind == "a folder" else "it is no regular file"
    with pytest.raises(ConfigWrong, match=f"there: cannot be read: {why}"):
        load(path, environ={})
    with pytest.raises(ValueError, match=f"there cannot be read: {why}"):
        Files(tmp_path, {}).secret("file:there")


@pytest.mark.parametrize("mounted", ["files", "files/7", "."])
def test_what_holds_the_files_of_conversations_is_not_mounted(refused, tmp_path, mounted):
    (tmp_path / "files" / "7").mkdir(parents=True)
    mount = f"[[tools.mount]]\nname = 'x'\npath = '{tmp_path}/{mounted}'\n"
    tools = f"[tools]\nworkspace_dir = '{tmp_path}/files'\n{mount}"
    [line] = refused(f"[gateway]\nstate_dir = '/nowhere/state'\n{tools}{MINIMAL}")
    assert line == (
        "hermes.toml:7: tools.mount[0].path: it is or holds the workspace_dir files, or is in it,"
        " which is the gateway's alone"
    )


@pytest.mark.parametrize("name", ["state", "."])
def test_files_of_conversations_have_a_folder_of_their_own(refused, tmp_path, name):
    state = f"[gateway]\nstate_dir = '{tmp_path}/state'\n"
    [line] = refused(f"{state}[tools]\nworkspace_dir = '{tmp_path}/{name}'\n{MINIMAL}")
    assert line.startswith(
        "hermes.toml:4: tools.workspace_dir: it is or holds the state_dir state: name a folder"
    )
