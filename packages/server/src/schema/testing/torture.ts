/**
 * A schema with everything in it that a user can make, and names that are out to be misread. Run as the
 * superuser in a database with the role `app.owner`.
 */
export function tortureSchema(version: number): string {
  return [
    common,
    ...(version >= 15 ? [since15] : []),
    ...(version >= 17 ? [since17] : []),
    ...(version >= 18 ? [since18] : []),
  ].join('\n')
}

export const tortureRoles = `
create role "Reader ""x""";
create role "select";
create role grantor;
`

const common = String.raw`
set search_path = public;

create extension if not exists pgcrypto;
create extension if not exists citext;
create extension if not exists postgres_fdw;

create schema "Odd "" schema";
create schema "new
line; drop table x; --";
alter schema "Odd "" schema" owner to "app.owner";
comment on schema "Odd "" schema" is E'it''s \\ odd\n-- really';

-- Types.
create type mood as enum ('sad', 'it''s', 'happy', E'back\\slash');
alter type mood add value 'before sad' before 'sad';
create type "Odd "" schema"."Pair" as (a integer, "B b" text collate "C", moods mood[]);
create domain positive as integer not null default 1 constraint "is > 0" check (value > 0) check (value < 1000);
comment on constraint "is > 0" on domain positive is 'above zero';
create domain words as text collate "C";
create function is_code(text) returns boolean language sql immutable as $$select $1 ~ '^[a-z]+$'$$;
create domain code as text constraint "a code" check (is_code(value)) constraint short check (length(value) < 9);
create domain narrow as code check (is_code(value));
create domain lone as text check (is_code(value));
create type coded as (n integer, c narrow);
create function codes_of(narrow[]) returns integer language sql as 'select 1';
create table codes (one code, many code[] default array['a']::code[], narrow narrow[], coded coded, lone lone);
create table narrows (narrow narrow[]);
create table coded_only (coded coded[]);
create function all_narrows() returns setof narrows language sql as 'select * from narrows';
create function all_coded() returns setof coded_only language sql as 'select * from coded_only';
create function all_codes() returns setof codes language sql as 'select * from codes';
create type span as range (subtype = float8, subtype_diff = float8mi, multirange_type_name = spans);
create type "integer" as enum ('not', 'an', 'integer');
alter type mood owner to "app.owner";
create collation digits_last (provider = icu, locale = 'en-u-kr-latn-digit', deterministic = false);
create collation plain (locale = 'C');

-- Routines.
create function plus_one(n integer default 41) returns integer language sql immutable as 'select n + 1';
create function "Odd "" schema".is_even(integer) returns boolean language plpgsql immutable strict parallel safe
  security definer set search_path to 'pg_catalog', "Odd "" schema" set work_mem to '8MB' as $body$
begin
  -- $$ and 'quotes'
  return $1 % 2 = 0;
end $body$;
create function many(inout a integer, out b text, variadic c integer[] default '{}') returns record language sql as 'select a, null';
create function rows_of() returns table (id integer, "N" text) language sql rows 7 cost 3 as 'select 1, null';
create procedure do_it(in a integer, inout b text default 'x;y') language plpgsql as 'begin b := a; end';
create function in_atoms(x integer) returns integer language sql begin atomic select plus_one(x); end;
create function mood_of(text) returns mood language sql immutable as $$select 'happy'::public.mood$$;
create cast (text as mood) with function mood_of(text);
create aggregate total(integer) (sfunc = int4pl, stype = integer, initcond = '0', combinefunc = int4pl, parallel = safe,
  msfunc = int4pl, minvfunc = int4mi, mstype = integer, minitcond = '0');
create aggregate how_many(*) (sfunc = int8inc, stype = bigint, initcond = '0');
comment on aggregate total(integer) is 'a total';
comment on aggregate how_many(*) is 'a count';
comment on procedure do_it is 'does it';
create function is_near(integer, integer) returns boolean language sql immutable as 'select abs($1 - $2) < 2';
create operator "Odd "" schema".<~> (function = is_near, leftarg = integer, rightarg = integer,
  commutator = operator("Odd "" schema".<~>), restrict = eqsel, join = eqjoinsel);
comment on operator "Odd "" schema".<~> (integer, integer) is 'near';
create text search dictionary stems (template = snowball, language = 'english', stopwords = 'english');
create text search configuration prose (copy = english);
alter text search configuration prose alter mapping for asciiword, word with stems, simple;
comment on text search configuration prose is 'for prose';

-- Tables.
create sequence "Odd "" schema"."count down" as smallint increment -2 minvalue -100 maxvalue 100 start 50 cache 3 cycle;
create table people (
  id serial primary key,
  uid uuid not null default gen_random_uuid() unique,
  "Name" varchar(40) collate "C" not null,
  nick citext,
  mood mood default 'sad',
  pair "Odd "" schema"."Pair",
  age positive,
  odd "integer" default 'an',
  moods mood[] default '{}',
  seen timestamptz(3) default now(),
  amount numeric(12,2) default 0.00 check (amount >= 0),
  doubled numeric generated always as (amount * 2) stored,
  next_one integer default plus_one(1),
  checked integer constraint "even only" check ("Odd "" schema".is_even(checked)),
  note text default E'it''s;\n--\\',
  blob bytea,
  constraint "two; of them" check (amount < 10 or "Name" <> 'x')
) with (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off);
alter table people alter column note set storage external, alter column "Name" set statistics 500,
  alter column amount set (n_distinct = -0.5), alter column blob set compression pglz;
alter table people drop column blob;
alter table people add column blob bytea;
alter table people alter column blob set compression pglz;
comment on table people is 'people';
comment on column people."Name" is E'the\nname';
comment on constraint "two; of them" on people is 'both';
create table identities (
  a bigint generated always as identity (start 7 increment 3),
  b integer generated by default as identity,
  unique (a) include (b),
  exclude using gist (int4range(b, b, '[]') with &&) deferrable initially deferred
);
create unlogged table scratch (n integer, primary key (n) deferrable);
create table "Odd "" schema"."new
line" ("tab	column" integer primary key, "a.b" text, constraint "fk 1" foreign key ("tab	column")
  references people (id) on delete cascade on update set null deferrable);
create table typed of "Odd "" schema"."Pair" (a with options not null default 3, primary key (a));
create table cycle_a (id integer primary key, other integer);
create table cycle_b (id integer primary key, other integer references cycle_a);
alter table cycle_a add foreign key (other) references cycle_b not valid;
alter table people add constraint late check (id > 0) not valid;
create table empty ();

-- Inheritance.
create table parent (id integer not null, kind text default 'p', constraint id_positive check (id > 0),
  constraint "own only" check (id < 100) no inherit);
create table child (extra integer, kind text default 'c') inherits (parent);
create table grandchild (id integer default 5) inherits (child);
create table orphan () inherits (parent);
alter table orphan alter column kind drop default;
alter table orphan alter column kind set not null;

-- Partitions.
create table events (id bigint generated by default as identity, at date not null, kind text not null default 'x',
  person integer references people, primary key (id, at, kind), check (kind <> '')) partition by range (at);
create table events_2024 partition of events (kind default 'y') for values from ('2024-01-01') to ('2025-01-01');
create table events_2025 partition of events for values from ('2025-01-01') to (maxvalue) partition by list (kind);
create table events_2025_a partition of events_2025 for values in ('a', 'it''s') with (fillfactor = 50);
create table events_rest partition of events default;
create index events_kind on events (kind, lower(kind) collate "C" desc nulls last) include (person) where kind <> 'z';
create unique index on events_2024 (id);
create table hashed (id integer primary key) partition by hash (id);
create table hashed_0 partition of hashed for values with (modulus 1, remainder 0);

-- Indexes and statistics.
create index people_name on people using btree (lower("Name"), plus_one(id)) with (fillfactor = 60);
alter index people_name alter column 2 set statistics 300;
create index "people; gin" on people using gin (to_tsvector('prose', note));
create unique index people_nick on people (nick) where nick is not null;
alter table people cluster on people_name;
create unique index scratch_n on scratch (n);
alter table scratch alter column n set not null, replica identity using index scratch_n;
alter table parent replica identity full;
alter index people_pkey set (fillfactor = 80);
comment on index people_name is 'by name';
create statistics people_stats (ndistinct, dependencies) on age, id from people;
alter statistics people_stats set statistics 50;
create statistics people_expr on (plus_one(id)), (lower("Name")) from people;

-- Views, and what needs them.
create view adults with (security_barrier) as select id, "Name" as who, p.pair from people p where age > 17;
create view "Odd "" schema"."a ""view" (x, y) as select who, count(*) from adults group by who;
create view editable as select id, kind from parent where id > 3 with local check option;
alter view editable alter column kind set default 'via view';
create view grouped as select p.*, count(*) from cycle_a p join cycle_b b on b.other = p.id group by p.id;
create materialized view totals with (fillfactor = 90) as select total(id) as t from people;
create unique index totals_t on totals (t);
create function people_like(adults) returns setof people language sql as 'select * from public.people where id = $1.id';
create function typed_by_view() returns setof "Odd "" schema"."a ""view" language sql as $$select null::text, 1::bigint$$;
create view loop_1 as select 1 as n;
create view loop_2 as select n from loop_1;
create or replace view loop_1 as select n from (select 1 as n) x where n not in (select 2);
create function needs_view(adults) returns integer language sql begin atomic select ($1).id; end;
create view needs_function as select needs_view(a) from adults a;
create function self_view() returns integer language sql as 'select 1';
create view of_function as select self_view() as n, current_date as today;
create or replace function self_view() returns integer language sql begin atomic select n + 1 from of_function; end;
create rule no_delete as on delete to editable do instead nothing;
create rule log_it as on insert to cycle_a where new.id > 5 do also (insert into scratch values (new.id); update cycle_a set other = null where id = new.id);
alter table cycle_a enable always rule log_it;

-- Triggers and policies.
create function touched() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before insert or update of "Name", age on people for each row when (new.age > 3) execute function touched('it''s', E'a\\b');
create trigger "off; now" after delete on people referencing old table as gone for each statement execute function touched();
alter table people disable trigger "off; now";
create constraint trigger later after insert on cycle_b deferrable initially deferred for each row execute function touched();
create trigger on_parts after insert on events for each row execute function touched();
alter table events_2024 disable trigger on_parts;
create trigger on_view instead of insert on adults for each row execute function touched();
comment on trigger touch on people is 'touches';
alter table people enable row level security, force row level security;
create policy everyone on people using (true);
create policy "some; of them" on people as restrictive for update to "Reader ""x""", "select" using (age > 3) with check ("Name" <> 'it''s');
comment on policy everyone on people is 'all';

-- Foreign data.
create server "far; away" type 'pg' version '1' foreign data wrapper postgres_fdw options (host 'example.invalid', dbname 'it''s');
create user mapping for "app.owner" server "far; away" options (user 'u', password 'a secret password');
create foreign table remote (id integer options (column_name 'ID') not null, t text default 'x') server "far; away" options (schema_name 's', table_name 't');

-- Owners and privileges.
alter table people owner to "app.owner";
alter view adults owner to "app.owner";
alter materialized view totals owner to "app.owner";
alter function plus_one owner to "app.owner";
alter procedure do_it owner to "app.owner";
alter aggregate total(integer) owner to "app.owner";
alter sequence "Odd "" schema"."count down" owner to "app.owner";
alter server "far; away" owner to "app.owner";
grant usage on foreign server "far; away" to "select";
grant select, insert on people to "Reader ""x""";
grant select on people to grantor with grant option;
set role grantor;
grant select on people to "select";
reset role;
grant update ("Name", age), select (id) on people to "select";
grant all on adults to public;
revoke truncate, references on people from "app.owner";
grant usage on sequence people_id_seq to "Reader ""x""" with grant option;
revoke execute on function plus_one from public;
grant execute on procedure do_it to "select";
grant execute on function total(integer) to "select";
revoke usage on type mood from public;
grant usage, create on schema "Odd "" schema" to "select";
grant create on schema public to "Reader ""x""";
grant select on pg_stat_statements to "select";
alter default privileges for role "app.owner" grant select on tables to "Reader ""x""";
alter default privileges for role "app.owner" revoke execute on functions from public;
alter default privileges for role "app.owner" in schema "Odd "" schema" grant all on sequences to "select" with grant option;

create publication "some" for table people, cycle_a with (publish = 'insert, update');
create publication everything for all tables;
comment on publication "some" is 'some';
`

/** Made by a superuser alone. */
export const superuserSchema = String.raw`
create aggregate public.my_percentile(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal,
  finalfunc = percentile_disc_final, finalfunc_extra);
create function public.on_ddl() returns event_trigger language plpgsql as 'begin end';
create event trigger "ddl; end" on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function public.on_ddl();
alter event trigger "ddl; end" disable;
`

const since15 = `
create unlogged sequence loose;
create view as_caller with (security_invoker = true) as select 1 as one;
create unique index nulls_once on cycle_a (other) nulls not distinct;
create publication columns for table cycle_b (id) where (id > 3);
create publication schemas for tables in schema "Odd "" schema";
`

const since17 = `
create domain named as integer constraint "must be" not null;
`

const since18 = `
create table newer (
  a integer constraint "named; not null" not null,
  b integer not null no inherit,
  twice integer generated always as (a * 2) virtual,
  whose int4range,
  period int4range,
  constraint not_now check (a > 0) not enforced,
  primary key (whose, period without overlaps)
);
alter table cycle_a add constraint later not null other not valid;
create table newer_child (a integer constraint its_own not null) inherits (newer);
`
