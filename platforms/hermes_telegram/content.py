"""What a message without text holds: media to tell of, or something that is nothing to us. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hermes_trio import ForeignJson, NotJson

# The narrower name first: an animation also has `document`, a venue also has `location`.
_MEDIA = {
    "photo": "photo",
    "animation": "animation",
    "video": "video",
    "video_note": "video message",
    "voice": "voice message",
    "audio": "audio",
    "sticker": "sticker",
    "document": "file",
    "venue": "venue",
    "location": "location",
    "contact": "contact",
    "poll": "poll",
    "checklist": "checklist",
    "dice": "dice",
    "game": "game",
    "story": "story",
    "paid_media": "paid media",
    "invoice": "invoice",
}

# https://core.telegram.org/bots/api#message, the "Service message" fields.
_SERVICE_FIELDS = """
    new_chat_members left_chat_member new_chat_title new_chat_photo delete_chat_photo group_chat_created
    supergroup_chat_created channel_chat_created message_auto_delete_timer_changed migrate_to_chat_id
    migrate_from_chat_id pinned_message successful_payment refunded_payment users_shared chat_shared
    user_shared gift unique_gift gift_upgrade_sent connected_website write_access_allowed passport_data
    proximity_alert_triggered boost_added chat_background_set checklist_tasks_done checklist_tasks_added
    direct_message_price_changed forum_topic_created forum_topic_edited forum_topic_closed
    forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden giveaway_created giveaway
    giveaway_winners giveaway_completed paid_message_price_changed suggested_post_approved
    suggested_post_approval_failed suggested_post_declined suggested_post_paid suggested_post_refunded
    video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited web_app_data
    chat_owner_left chat_owner_changed
"""
_SERVICE = frozenset(_SERVICE_FIELDS.split())

# Also in messages of a kind we know: they say nothing of what an unknown one holds.
_ENVELOPE_FIELDS = """
    message_id date chat from sender_chat message_thread_id is_topic_message reply_to_message media_group_id
    forward_origin external_reply quote is_automatic_forward has_protected_content via_bot edit_date
    reply_markup sender_boost_count author_signature
"""
_ENVELOPE = frozenset(_ENVELOPE_FIELDS.split())
NAMED_BYTES_MAX = 64 * 1024


class NotForUs(Exception):
    """The update carries nothing a person said."""


class Unsupported(Exception):
    """The update carries something that nobody here knows; the text says what."""


class _Named(msgspec.Struct):
    file_name: str = ""
    emoji: str = ""


_named: ForeignJson[_Named] = ForeignJson(_Named, most_bytes=NAMED_BYTES_MAX)


def media_line(fields: Mapping[str, msgspec.Raw]) -> str:
    """Tell what came and could not be read: "[photo: received, cannot be read yet]".

    Raises:
        NotForUs: a service message ("Ada joined").
        Unsupported: none of the kinds known here.
    """
    for field, what in _MEDIA.items():
        if field in fields:
            return f"[{' '.join((what + ' ' + _name(fields[field])).split())}: received, cannot be read yet]"
    if not _SERVICE.isdisjoint(fields):
        raise NotForUs
    unknown = sorted(set(fields) - _ENVELOPE)
    raise Unsupported(f"a message of an unknown kind: {', '.join(unknown)[:200]}")


def _name(raw: msgspec.Raw) -> str:
    try:
        named = _named(raw)
    except NotJson:
        return ""
    return named.file_name.replace("\x00", "")[:200] or named.emoji
