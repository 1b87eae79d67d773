-- What version 1 of the schema is, with two users and two messages.

pragma journal_mode = wal;

create table users (
    id       integer primary key autoincrement,
    name     text not null check (length(name) between 1 and 100),
    email    text not null check (length(email) between 1 and 100),
    nickname text not null check (length(nickname) between 1 and 100)
             unique
) strict;

create table messages (
    id           integer primary key autoincrement,
    content      text not null check (length(content) between 1 and 2000),
    date         text not null
                 default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    author_id    integer not null references users (id),
    recipient_id integer not null references users (id)
) strict;

create view full_messages as
select message.id, content, date,
       author.id    as author_id,    author.name        as author_name,
       author.email as author_email, author.nickname    as author_nickname,
       recipient.id as recipient_id, recipient.name     as recipient_name,
       recipient.email as recipient_email,
       recipient.nickname as recipient_nickname
from messages as message
join users as author on author.id = message.author_id
join users as recipient on recipient.id = message.recipient_id;

insert into users (name, email, nickname)
values ('Ada Lovelace', 'ada@example.org', 'ada'),
       ('Bob Kahn', 'bob@example.org', 'bob');

insert into messages (content, date, author_id, recipient_id)
values ('hello', '2026-01-02T03:04:05.678Z', 1, 2),
       ('hello, ada', '2026-01-02T03:04:06.789Z', 2, 1);

pragma application_id = 0x63686174;
pragma user_version = 1;
