"""The SQLite schema: numbered migrations. Append one; one that was released never changes."""

from __future__ import annotations

_FIRST = """
create table boot(
  id integer primary key, started_at real not null, ended_at real, clean integer not null default 0);
create table cursor(account text primary key, value text not null) without rowid;
create table session(
  id integer primary key autoincrement, key text not null, opened_at real not null, ended_at real,
  why text, interrupted integer not null default 0);
create unique index session_open on session(key) where ended_at is null;
create index session_live on session(id) where ended_at is null;
create index session_interrupted on session(id) where interrupted > 0;
create table inbound(
  id integer primary key autoincrement, account text not null, native text not null, key text,
  chat text not null, kind text not null, body blob, raw blob, at real not null, length integer not null,
  hold real not null default 0, state text, outcome text, reason text not null default '', turn integer,
  step text, settled_at real, unique(account, native));
create index inbound_chat on inbound(chat, id);
create index inbound_open on inbound(key, id) where outcome is null;
create table turn(
  id integer primary key autoincrement, session integer not null, key text not null, boot integer not null,
  state text not null, attempt integer not null default 1, address text not null, anchor text,
  opened_at real not null, closed_at real, reason text not null default '',
  checkpoint_at real, checkpoint_why text);
create index turn_session on turn(session);
create index turn_running on turn(session) where state = 'running';
create table step(
  turn integer not null, name text not null, n integer not null, state text not null,
  digest text not null, op text not null, value blob not null, wake_at real, at real not null,
  asked text, primary key(turn, name, n)) without rowid;
create index step_asked on step(asked) where asked is not null;
create table entry(
  id integer primary key autoincrement, session integer not null, turn integer, inbound integer,
  size integer not null, body blob not null, at real not null);
create index entry_session on entry(session, id);
create unique index entry_inbound on entry(inbound) where inbound is not null;
create table outbound(
  id integer primary key autoincrement, lane text not null, address text not null, turn integer,
  reply integer, said text not null, op text not null default 'send', part blob not null,
  rank integer not null, state text not null, dirty integer not null default 0,
  begun integer not null default 0, attempts integer not null default 0, unknown integer not null default 0,
  marked integer not null default 0, plain integer not null default 0, message_id text, reply_to text,
  choices blob, last integer not null default 1, why text not null default '', at real not null,
  owed_at real, sent_at real);
create index outbound_open on outbound(lane) where state in ('owed', 'sending', 'live');
create index outbound_turn on outbound(turn) where turn is not null;
create table penalty(
  account text not null, chat text not null, until real not null, primary key(account, chat)) without rowid;
"""

_RESUME = """
create index entry_unheard on entry(session) where turn is null;
alter table step add column nth integer not null default 0;
alter table turn add column held_at real;
"""

_KEYS = """
create table key_rest(
  fingerprint text not null, model text not null, pool text not null, place text not null,
  kind text not null, since real not null, until real not null, strikes integer not null,
  tried_at real not null, dead integer not null default 0, primary key(fingerprint, model)) without rowid;
alter table inbound add column due real;
alter table inbound add column told integer not null default 0;
create index inbound_deferred on inbound(due, id) where state = 'deferred' and outcome is null;
"""

_CONVERSATIONS = """
create index session_key on session(key);
"""

_HELD = """
create index outbound_held on outbound(lane) where state = 'held';
"""

_CHILDREN = """
create table mark(mark text not null);
insert into mark values(lower(hex(randomblob(8))));
create table child(
  id integer primary key autoincrement, session integer not null, turn integer not null,
  boot integer not null, key text not null, address text not null, command text not null,
  pid integer, started integer, foreground integer not null, keep integer not null,
  notify integer not null, state text not null default 'running', code integer,
  consumed integer not null default 0, told integer, matches integer not null default 0,
  muted integer not null default 0, output text not null default '', at real not null, ended_at real);
create index child_running on child(key) where state = 'running';
create index child_foreground on child(turn) where foreground = 1 and state = 'running';
create index child_session on child(session);
alter table session add column wakes integer not null default 0;
"""

_PLACE = """
alter table mark add column place text;
create index child_ended on child(ended_at) where state <> 'running';
"""

_ANSWERS = """
alter table outbound add column answers integer;
create index outbound_answers on outbound(answers) where answers is not null;
"""

_RECORDED = """
alter table boot add column setup blob;
alter table turn add column error blob;
alter table step add column begun_at real;
alter table outbound add column begun_at real;
"""

# A sign's message stood where a part has its reply, and was taken for one.
_SIGNS = """
alter table outbound add column stands_on integer;
update outbound set stands_on = reply, reply = null where said = 'sign';
"""

# A wall clock that is set back makes no penalty longer: it is known how long it was.
_PENALTIES = """
alter table penalty add column at real;
"""

_REWRITTEN = """
alter table session add column rewritten integer not null default 0;
create trigger entry_rewritten after update of session, body, size on entry begin
  update session set rewritten = rewritten + 1 where id in (old.session, new.session);
end;
create trigger entry_gone after delete on entry begin
  update session set rewritten = rewritten + 1 where id = old.session;
end;
"""
"""What a turn knows of its conversation from the turn before holds as long as nothing of it was changed."""

# A conversation keeps the key it began with; this says what its chat is called now.
_MOVED = """
create table moved(
  account text not null, chat text not null, becomes text not null, at real not null,
  primary key(account, chat)) without rowid;
"""

# Strangers are counted while their hour lasts; a raw update is found by when its message was settled.
_STRANGERS = """
create table stranger(
  account text not null, hour integer not null, who text not null, kept integer not null,
  unkept integer not null, primary key(account, hour, who)) without rowid;
create index inbound_raw on inbound(settled_at) where raw is not null and outcome is not null;
"""

# What a send became, and nobody can read any more: no other index has it.
_ODD = """
create index outbound_odd on outbound(id) where state not in (
  'owed', 'sending', 'live', 'held', 'sent', 'failed', 'unknown', 'dropped');
"""

# A list of more than two is a table that SQLite fills anew for each row that is written.
_WITHOUT_LISTS = """
drop index outbound_open;
create index outbound_open on outbound(lane) where (state = 'owed' or state = 'sending' or state = 'live');
drop index outbound_odd;
create index outbound_odd on outbound(id) where
  state <> 'owed' and state <> 'sending' and state <> 'live' and state <> 'held'
  and state <> 'sent' and state <> 'failed' and state <> 'unknown' and state <> 'dropped';
"""

_WORDS = """
alter table turn rename column held_at to paused_at;
alter table inbound rename column hold to wait_s;
alter table key_rest rename to key_cooldown;
alter table child rename to process;
drop index child_running;
drop index child_foreground;
drop index child_session;
drop index child_ended;
create index process_running on process(key) where state = 'running';
create index process_foreground on process(turn) where foreground = 1 and state = 'running';
create index process_session on process(session);
create index process_ended on process(ended_at) where state <> 'running';
"""

# What is said next in a lane is its first row: else each send of a long one looked at all of them.
_LINED_UP = """
drop index outbound_open;
create index outbound_open on outbound(lane, begun desc, rank, id)
  where (state = 'owed' or state = 'sending' or state = 'live');
"""

MIGRATIONS = (
    _FIRST,
    _RESUME,
    _KEYS,
    _CONVERSATIONS,
    _HELD,
    _CHILDREN,
    _PLACE,
    _ANSWERS,
    _RECORDED,
    _SIGNS,
    _PENALTIES,
    _REWRITTEN,
    _MOVED,
    _STRANGERS,
    _ODD,
    _WITHOUT_LISTS,
    _WORDS,
    _LINED_UP,
)

WRITTEN = "60fd4aa353072dd6ec3c9b256047643e1de402141dd1503adca186fa27065e34"
"""What `_written` gives for a store of these migrations: who has it need not be compared part by part."""
