"""The redactor: what it knows, for how long, what it costs, and that offsets stay right."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from urllib.parse import quote

import pytest

from hermes_trio.daemon.control.requests import Done, No, decode_answer, encode
from hermes_trio.daemon.control.server import discreet
from hermes_trio.runtime.redacting_store import safe_delivery, without_secrets
from hermes_trio.runtime.redaction import NEWEST, NEWEST_UNPLACED, Redactor, certain, redacted_parts
from hermes_trio.text.secret_forms import WINDOW
from hermes_trio.values.delivery import Choice, Delivery, Part, Span
from hermes_trio.values.identity import Address, Secret
from hermes_trio.values.stored import StepRow

KEY = "sk_live_very_secret_4f9a7b"


def redactor(*secrets):
    return Redactor([Secret(one) for one in secrets])


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("not-needed", "A key is not needed, and not—needed twice."),
        ("hunter2", "hunter 2 and h-u-n-t-e-r-2"),
        ("12345678", "call 1234 5678"),
        ("sk-abcdefgh1234", "sk-abcdefgh123"),
        ("abc", "abc"),
    ],
)
def test_what_only_looks_like_a_secret_stays(secret, text):
    assert redactor(secret)(text) == text


@pytest.mark.parametrize(
    "secret", ["hunter2", "пароль-секрет", "pä$$wörd", "not-needed", "(!!!)", "12345678"]
)
def test_a_secret_of_few_letters_is_found_as_it_is_written(secret):
    redact = redactor(secret)
    written = [secret, repr(secret), repr(secret.encode()), secret.replace("-", "\\-")]
    assert [redact(f"is {one}.") for one in written[:1]] == ["is ***."]
    assert [one for one in written if secret.strip("'") in redact(f"is {one}.")] == []


WORDS = "contraseña-Schlüßel-42x9"


@pytest.mark.parametrize(
    "form",
    [
        json.dumps(WORDS),
        json.dumps(json.dumps(WORDS)),
        "".join(f"\\u{ord(char):04x}" for char in WORDS),
        "".join(f"&#{ord(char)};" for char in WORDS),
        quote(quote(WORDS)),
        f"{WORDS[:9]}**{WORDS[9:]}**",
        f"{WORDS[:9]}\u200b{WORDS[9:]}",
        f"{WORDS[:9]}\n{WORDS[9:]}",
        " ".join(WORDS),
    ],
)
def test_a_secret_with_letters_of_other_alphabets_is_found_in_each_form_too(form):
    redact = Redactor([Secret(WORDS)])
    shown = redact(f"it is {form} here")
    assert "***" in shown
    assert "42x9" not in shown
    assert redact("Schlüßel 42x9, contrase") == "Schlüßel 42x9, contrase"


@pytest.mark.parametrize("secret", ["пароль-секрет", "日本語のパスワード"])
def test_a_secret_in_another_alphabet_is_found_in_json(secret):
    assert Redactor([Secret(secret)])(json.dumps({"text": secret})) == '{"text": "***"}'


def test_what_surrounds_a_secret_stays_and_one_inside_another_is_one():
    redact = redactor("token-a1", "token-a1-and-more", "/slash+9x8y7z/")
    assert redact("(token-a1-and-more) token-a1; /slash+9x8y7z/.") == "(***) ***; ***."


def test_spans_and_choices_are_right_after_a_secret_was_taken_out_also_over_two_parts():
    code, bold, link = Span(9, 18, "code"), Span(2, 6, "bold"), Span(0, 3, "link", f"https://x/?k={KEY}")
    parts = [
        Part(f"a bold : {KEY[:9]}", (bold, code)),
        Part(f"{KEY[9:]} and a tail", (Span(0, 17, "code"), Span(24, 28, "italic"))),
    ]
    first, second = redacted_parts(parts, redactor(KEY))
    assert (first.text, second.text) == ("a bold : ***", " and a tail")
    assert first.spans == (bold, Span(9, 12, "code"))
    assert [second.text[s.start : s.end] for s in second.spans] == ["tail"]
    delivery = Delivery(
        op="send",
        address=Address("memory", "main", "1"),
        part=Part("one", (link,)),
        choices=(Choice("1.1.0", f"use {KEY}"),),
    )
    cleaned = safe_delivery(delivery, redactor(KEY))
    assert cleaned.part == Part("one", (Span(0, 3, "link", "https://x/?k=***"),))
    assert cleaned.choices == (Choice("1.1.0", "use ***"),)
    assert safe_delivery(delivery, redactor("another-1-that-is-not-there")) is delivery


def test_a_function_of_ones_own_keeps_spans_right_too():
    parts = [Part(f"a bold : {KEY} tail", (Span(2, 6, "bold"), Span(len(KEY) + 10, len(KEY) + 14, "italic")))]
    [part] = redacted_parts(parts, lambda text: text.replace(KEY, "***"))
    assert part.text == "a bold : *** tail"
    assert [part.text[s.start : s.end] for s in part.spans] == ["bold", "tail"]


def test_json_stays_json_where_a_secret_begins_behind_an_escape():
    row = StepRow(name="x", n=1, value=b'{"n":"\\nkey-0123456789abcdef","m":1}')
    assert without_secrets(row, redactor("nkey-0123456789abcdef")).value in (row.value, b'{"n":"***","m":1}')
    assert without_secrets(row, redactor("key-0123456789abcdef")).value == b'{"n":"\\n***","m":1}'


@pytest.mark.parametrize("secret", [KEY, "correct horse battery staple", "hunter2hunter"])
def test_of_a_text_that_comes_piece_by_piece_no_beginning_of_a_secret_is_shown(secret):
    redact, text = redactor(secret), f"The phrase is {secret} and more words"
    shown = [certain(redact, text[:end]) for end in range(len(text) + 1)]
    assert shown[-1] == "The phrase is *** and more words"
    assert not [one for one in shown if secret[:6] in one]
    escaped = "".join(f"%{ord(char):02x}" for char in KEY)
    assert not [
        one for end in range(len(escaped)) if escaped[:21] in (one := certain(redactor(KEY), escaped[:end]))
    ]


@pytest.mark.parametrize("around", ["x", "%", "%25", "\\", "\\n", "&", "&amp;", "amp;", "é", "; "])
def test_a_long_text_is_read_as_a_short_one_wherever_a_piece_of_it_ends(around):
    secret = "another-Secret/of+1234"
    forms = ("%25{:02x}", "\\u{:04x}", "&#{};")
    escaped = "".join(forms[at % 3].format(ord(char)) for at, char in enumerate(secret))
    redact = redactor(secret)
    begin = around * (WINDOW // len(around) - len(escaped) - 8)
    for more in range(len(escaped) + 40):
        text = f"{begin}{' ' * more}{escaped} {secret} {around}"
        assert redact(text) == f"{begin}{' ' * more}*** *** {around}"


def test_a_megabyte_of_escapes_costs_a_few_times_what_reading_it_costs():
    redact, text = redactor(KEY), "%41" * 330_000
    pattern = re.compile("(%[0-9A-F]{2})")
    assert cpu_s(lambda: redact(text), 3) < 5 * cpu_s(lambda: pattern.split(text), 3)


def test_of_a_renewed_key_the_newest_are_known_and_those_of_the_configuration_for_ever():
    redact = redactor(KEY)
    for hour in range(1000):
        redact.learn(Secret(f"renewed-{hour:04}-of-a-file", "/run/key"), Secret(f"unplaced-{hour:04}-token"))
    known = [hour for hour in range(1000) if "***" in redact(f"renewed-{hour:04}-of-a-file")]
    assert known == list(range(1000 - NEWEST, 1000))
    unplaced = [hour for hour in range(1000) if "***" in redact(f"unplaced-{hour:04}-token")]
    assert unplaced == list(range(1000 - NEWEST_UNPLACED, 1000))
    assert redact(KEY) == "***"
    redact.learn(Secret("renewed-0999-of-a-file", "/run/key"))
    assert redact("renewed-0968-of-a-file") == "***"


def cpu_s(work, times=5):
    def once():
        began = time.process_time()
        work()
        return time.process_time() - began

    return min(once() for _ in range(times))


def keys(count):
    dice = random.Random(count)
    return [f"sk-proj-{base64.b64encode(dice.randbytes(36)).decode()}" for _ in range(count)]


def test_a_text_that_was_looked_at_before_a_secret_was_learned_is_looked_at_again():
    redact = Redactor([Secret("the-first-secret-1")])
    text = "it is the-second-secret-2, or the-first-secret-1"
    assert redact(text) == "it is the-second-secret-2, or ***"
    redact.learn(Secret("the-second-secret-2"))
    assert redact(text) == "it is ***, or ***"


def test_what_is_learned_before_anybody_asks_costs_one_index():
    def renewed(times):
        redact = redactor()
        for key in keys(32) * times:
            redact.learn(Secret(key, "/run/key"))
        assert redact(keys(32)[-1]) == "***"

    assert cpu_s(lambda: renewed(100), 3) < 20 * cpu_s(lambda: renewed(1), 3)


def test_a_thousand_secrets_cost_what_one_costs():
    text = "some words of a tool's result, 50% of it with a \\n " * 2000
    few, many = redactor(*keys(1)), redactor(*keys(1000))
    assert cpu_s(lambda: many(text)) < 3 * cpu_s(lambda: few(text))


@pytest.mark.parametrize("end", ["", "é", "x"], ids=["long", "of other alphabets", "of few letters"])
def test_nor_do_they_where_a_text_comes_piece_by_piece(end):
    pieces = [f"piece {n} of a program's output, in words " * 3 for n in range(100)]
    one, many = (redactor(*(f"{key[:8] if end == 'x' else key}{end}" for key in keys(n))) for n in (1, 1000))
    few_s, many_s = (cpu_s(lambda r=r: [certain(r, piece) for piece in pieces]) for r in (one, many))
    assert many_s < 6 * few_s


def test_a_beginning_is_held_back_where_it_is_a_whole_secret_too():
    redact = redactor("hunter2x", "hunter2xyz9")
    assert certain(redact, "word hunter2x") == "word "


@pytest.mark.parametrize(
    "unit",
    [
        "word ",
        "%2f",
        "\\n",
        "&amp;",
        "\\",
        "&",
        "%",
        f"{KEY} ",
        KEY[:-1],
        KEY[:9],
        "x",
        "\u200b",
        "c2tfbGl2ZV",
    ],
)
def test_twice_the_text_costs_twice_the_time(unit):
    redact = redactor(KEY, "hunter2", *keys(20))

    def work(size):
        text = unit * (size // len(unit))
        return lambda: (redact(text), certain(redact, text))

    # Three doublings in one: what grows with the square costs 64 times as much, and one is within the noise.
    assert cpu_s(work(1 << 20), 3) < 2.5**3 * cpu_s(work(1 << 17), 3) + 0.005


def test_an_operators_answer_holds_no_secret_and_is_still_an_answer():
    assert decode_answer(discreet(encode(No(why=f"ValueError: {KEY}")), redactor(KEY))) == No(
        why="ValueError: ***"
    )
    assert decode_answer(discreet(encode(Done(text="done")), redactor("done", "type"))) == Done(text="done")
    assert decode_answer(discreet(encode(Done(text="of a type")), redactor("type"))) == Done(text="of a ***")
