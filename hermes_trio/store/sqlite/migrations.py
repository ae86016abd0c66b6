"""The SQLite schema: numbered migrations. Append one; one that was released never changes."""

from __future__ import annotations

_FIRST = """
create table boot(
  id integer primary key, started_at real not null, ended_at real, clean integer not null default 0,
  setup blob, node text, renewed_at real, until real, buried_at real, draining_at real,
  calm_at real);
-- The boots that are not over: one where the store is not shared.
create index boot_alive on boot(id) where ended_at is null and buried_at is null;
create table cursor(account text primary key, value text not null) without rowid;
create table session(
  id integer primary key autoincrement, key text not null, opened_at real not null, ended_at real,
  why text, interrupted integer not null default 0, wakes integer not null default 0,
  rewritten integer not null default 0);
create unique index session_open on session(key) where ended_at is null;
create index session_live on session(id) where ended_at is null;
create index session_interrupted on session(id) where interrupted > 0;
create table inbound(
  id integer primary key autoincrement, account text not null, native text not null, key text,
  chat text not null, kind text not null, body blob, raw blob, at real not null, length integer not null,
  wait_s real not null default 0, state text, outcome text, reason text not null default '', turn integer,
  step text, settled_at real, due real, told integer not null default 0);
create unique index inbound_once on inbound(account, native, kind = 'wake' or kind = 'match');
create index inbound_chat on inbound(chat, id);
create index inbound_open on inbound(key, id) where outcome is null;
create table turn(
  id integer primary key autoincrement, session integer not null, key text not null, boot integer not null,
  state text not null, attempt integer not null default 1, address text not null, anchor text,
  opened_at real not null, closed_at real, reason text not null default '',
  checkpoint_at real, checkpoint_why text, paused_at real, error blob);
create index turn_session on turn(session);
create index turn_running on turn(session) where state = 'running';
create table step(
  turn integer not null, name text not null, n integer not null, state text not null,
  digest text not null, op text not null, value blob not null, wake_at real, at real not null,
  asked text, nth integer not null default 0, begun_at real, primary key(turn, name, n)) without rowid;
create index step_asked on step(asked) where asked is not null;
create table entry(
  id integer primary key autoincrement, session integer not null, turn integer, inbound integer,
  size integer not null, source text not null, who text, body blob not null, at real not null);
create index entry_session on entry(session, id);
create index entry_turn on entry(turn, session);
create unique index entry_inbound on entry(inbound) where inbound is not null;
create table outbound(
  id integer primary key autoincrement, lane text not null, address text not null, turn integer,
  reply integer, said text not null, op text not null default 'send', part blob not null,
  rank integer not null, state text not null, dirty integer not null default 0,
  begun integer not null default 0, attempts integer not null default 0, unknown integer not null default 0,
  marked integer not null default 0, plain integer not null default 0, message_id text, reply_to text,
  choices blob, last integer not null default 1, why text not null default '', at real not null,
  owed_at real, sent_at real, answers integer, begun_at real, stands_on integer, boot integer);
create index outbound_turn on outbound(turn) where turn is not null;
create table penalty(
  account text not null, chat text not null, until real not null, at real,
  primary key(account, chat)) without rowid;
create index entry_unheard on entry(session) where turn is null;
create table key_cooldown(
  fingerprint text not null, model text not null, pool text not null, place text not null,
  kind text not null, since real not null, until real not null, strikes integer not null,
  tried_at real not null, dead integer not null default 0, why text not null default '',
  primary key(fingerprint, model)) without rowid;
create index inbound_deferred on inbound(due, id) where state = 'deferred' and outcome is null;
create index session_key on session(key);
create index outbound_held on outbound(lane) where state = 'held';
create table mark(mark text not null, place text);
insert into mark(mark) values(lower(hex(randomblob(8))));
create table process(
  id integer primary key autoincrement, session integer not null, turn integer not null,
  boot integer not null, key text not null, address text not null, command text not null,
  pid integer, started integer, foreground integer not null, keep integer not null,
  notify integer not null, state text not null default 'running', code integer,
  consumed integer not null default 0, told integer, matches integer not null default 0,
  muted integer not null default 0, output text not null default '', at real not null, ended_at real);
create index outbound_answers on outbound(answers) where answers is not null;
-- What a turn knows of its conversation from the turn before holds as long as nothing of it was changed.
create trigger entry_rewritten after update of session, body, size on entry begin
  update session set rewritten = rewritten + 1 where id in (old.session, new.session);
end;
create trigger entry_gone after delete on entry begin
  update session set rewritten = rewritten + 1 where id = old.session;
end;
-- A conversation keeps the key it began with; this says what its chat is called now.
create table moved(
  account text not null, chat text not null, becomes text not null, at real not null,
  primary key(account, chat)) without rowid;
-- Strangers are counted while their hour lasts; a raw update is found by when its message was settled.
create table stranger(
  account text not null, hour integer not null, who text not null, kept integer not null,
  unkept integer not null, primary key(account, hour, who)) without rowid;
create index inbound_raw on inbound(settled_at) where raw is not null and outcome is not null;
-- What a send became, and nobody can read any more: no other index has it. A list of more than two states
-- would be a table that SQLite fills anew for each row that is written.
create index outbound_odd on outbound(id) where
  state <> 'owed' and state <> 'sending' and state <> 'live' and state <> 'held'
  and state <> 'sent' and state <> 'failed' and state <> 'unknown' and state <> 'dropped';
create index process_running on process(key) where state = 'running';
create index process_foreground on process(turn) where foreground = 1 and state = 'running';
create index process_session on process(session);
create index process_ended on process(ended_at) where state <> 'running';
-- Who has spoken in a conversation, or was quoted there. What they said may be set aside later; who has
-- answered it or acted on it stays, so the conversation is theirs too from then on. Who adds an entry writes
-- it (a trigger for that cost each message three times as much); an entry that is moved has the trigger.
create table spoken(
  session integer not null, source text not null, who text not null,
  primary key(session, source, who)) without rowid;
create trigger entry_spoken_there after update of session, source, who on entry
  when new.source <> 'gateway' and new.source <> 'model' and new.source <> 'tool' begin
  insert into spoken values(new.session, new.source, coalesce(new.who, '')) on conflict do nothing;
end;
-- What is said next in a lane is its first row: else each send of a long one looked at all of them.
create index outbound_open on outbound(lane, begun desc, rank, id)
  where (state = 'owed' or state = 'sending' or state = 'live');
-- Where several boots share the store: whose task works on a key, who holds an account, what is for whom.
create table key_task(key text primary key, boot integer not null) without rowid;
create table account_holder(
  account text primary key, boot integer not null, since real not null) without rowid;
create table signal(
  id integer primary key autoincrement, boot integer not null, body blob not null, at real not null);
"""

MIGRATIONS = (_FIRST,)
ONLY_ADD: frozenset[int] = frozenset()
"""The numbers of those beside which the program before goes on as it was: it names no column that they take
away, and fills each that they demand. So nodes are brought up to date one after the other: a first version
adds, the next one uses, a last one removes, when none of the first runs any more."""

WRITTEN = "a694680a4e37afd54239a9d08bcff991f542df72a99dfc3a77f322f34a8f1ec2"
"""What `_written` gives for a store of these migrations: who has it need not be compared part by part."""
