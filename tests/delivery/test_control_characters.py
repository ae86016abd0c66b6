"""What a person is shown reads as it is: nothing in it turns its order round or steers a terminal."""

import pytest
import trio

from hermes_trio.text.control_characters import part_unsteered
from hermes_trio.values.delivery import Part, Span

REVERSED = "\u202etxt.gpj\u202c"
COMMAND = "rm -r \u2067~/photos\u2066 --dry-run\u2069\u2069"
KEPT = "👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f שלום, עולם! a\u200fb\tc\nd"


async def talks(turn):
    match turn.text:
        case "ask":
            picked = await turn.ask(f"Run `{COMMAND}`?", choices=[f"run {REVERSED}", "no"], timeout_s=60)
            return f"picked {picked}"
        case "stream":
            turn.stream(f"**bold** {REVERSED} ")
            await trio.sleep(5)
            return f"**done** {REVERSED}"
        case "keep":
            return KEPT
    return f"\x1b[31mred\x9b0m\x07 **bold** {REVERSED} [here](https://example.com/\u202egpj)"


@pytest.mark.world(agent=talks)
@pytest.mark.parametrize("asked", ["answer", "ask", "stream"])
async def test_nothing_that_is_shown_steers_what_is_read(world, asked):
    await world.say("ada", asked)
    await world.settle()
    made = [call.delivery for call in world.platform.calls if call.delivery.part]
    assert made
    for delivery in made:
        said = [delivery.part.text, *(span.value for span in delivery.part.spans)]
        said += [choice.label for choice in delivery.choices]
        assert not [text for text in said if any(char in text for char in "\x1b\x9b\x07\u202e\u2066\u2067")]


@pytest.mark.world(agent=talks)
async def test_a_question_shows_what_its_button_does_in_the_order_in_which_it_is_done(world):
    await world.say("ada", "ask")
    await world.until(seconds=1)
    [prompt] = world.shown("ada")
    assert prompt.text == "Run rm -r ~/photos --dry-run?"
    [call] = [call for call in world.platform.calls if call.delivery.choices]
    assert [choice.label for choice in call.delivery.choices] == ["run txt.gpj", "no"]


@pytest.mark.world(agent=talks)
async def test_what_words_are_made_of_stays(world):
    await world.say("ada", "keep")
    assert await world.reply("ada") == KEPT


def test_spans_stay_where_they_belong():
    part = Part(f"a{REVERSED}b \x1bbold", (Span(1, 10, "code"), Span(12, 17, "bold"), Span(1, 2, "italic")))
    clean = part_unsteered(part)
    assert clean.text == "atxt.gpjb bold"
    assert [(clean.text[s.start : s.end], s.kind) for s in clean.spans] == [
        ("txt.gpj", "code"),
        ("bold", "bold"),
    ]
    assert part_unsteered(clean) is clean
