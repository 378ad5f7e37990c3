import type { Sql } from 'postgres'

/**
 * What a masking_function can call, under the names of PostgreSQL Anonymizer, whose rules Neon's API
 * takes, and some more. They are made in a clone that is thrown away: neither the source nor the masked
 * branch ever has them. Functions of a value (`hash`, `pseudo_…`) answer the same for equal values of one
 * branch: they are keyed with its secret, which the session holds as `anon.key`.
 */

const firstNames =
  'Ada Alan Amina Ana Ben Carla Chen Clara Dana David Ela Emil Eva Finn Grace Hana Hugo Ida Igor Ines Ivan Jana Jonas Julia Kai Karim Lara Leo Lina Luca Maja Malik Mara Mia Mila Nina Noah Nora Olga Omar Otto Paul Petra Quinn Rana Rosa Sami Sara Sofia Tara Theo Tom Uma Vera Viktor Wanda Yara Yuki Zoe Zora'
const lastNames =
  'Abbott Adler Alvarez Andersen Arslan Bauer Becker Berger Bianchi Brandt Carter Castro Costa Diaz Dubois Evans Farkas Fischer Fontaine Garcia Graf Hansen Haas Horvat Ibrahim Ito Jansen Keller Khan Klein Kovacs Kumar Lang Larsen Lopez Marino Mayer Moreau Nakamura Novak Okafor Olsen Park Pereira Petrov Quist Ricci Rossi Sato Schmidt Silva Singh Svensson Tanaka Torres Ueda Varga Vogel Weber Young Zimmer'
const cities =
  'Ashford Brookfield Cedarville Dunmore Eastport Fairview Glenwood Hillcrest Ironbridge Junction Kingsley Lakeside Maplewood Northgate Oakdale Pinehurst Quarry Riverton Stonebrook Thornton Upland Valley Westbrook Yarrow'
const countries =
  'Argentina Australia Austria Belgium Brazil Canada Chile Denmark Egypt Finland France Germany Ghana Greece India Ireland Italy Japan Kenya Mexico Morocco Norway Peru Poland Portugal Spain Sweden Turkey Uruguay Vietnam'
const trades = 'Works Partners Foods Labs Supply Trading Systems Textiles Logistics Studios'
const streets =
  'Alder Birch Cedar Elm Garden Harbour Hill Lake Linden Market Mill Park River School'
const words =
  'about after almost along among apple basket before bridge bright candle cloud copper corner distant early field forest garden gentle harbour island kettle ladder lantern letter meadow mirror morning narrow orange paper pebble quiet river silver simple stone summer table timber valley velvet water window winter yellow'

const list = (text: string): string => `array['${text.split(' ').join("','")}']`

/** Each kind of value: as an expression of `p`, which picks from a list. */
const kinds: Readonly<Record<string, (pick: (list: string, part: string) => string) => string>> = {
  first_name: (pick) => pick(list(firstNames), 'first'),
  last_name: (pick) => pick(list(lastNames), 'last'),
  name: (pick) => `${pick(list(firstNames), 'first')} || ' ' || ${pick(list(lastNames), 'last')}`,
  city: (pick) => pick(list(cities), 'city'),
  country: (pick) => pick(list(countries), 'country'),
  company: (pick) => `${pick(list(lastNames), 'company')} || ' ' || ${pick(list(trades), 'trade')}`,
  address: (pick) =>
    `${pick("array['1','2','3','5','8','12','17','23','31','44','58','76']", 'number')} || ' ' || ` +
    `${pick(list(streets), 'street')} || ' Street, ' || ${pick(list(cities), 'city')}`,
}

const atRandom = (from: string): string =>
  `(${from})[1 + floor(random() * cardinality(${from}))::integer]`
const bySeed = (from: string, part: string): string =>
  `(${from})[1 + anon.number('${part}', seed::text) % cardinality(${from})]`

const fakes = Object.entries(kinds).flatMap(([name, make]) => [
  `create function anon.fake_${name}() returns text language sql volatile as $$ select ${make(atRandom)} $$`,
  `create function anon.pseudo_${name}(seed anyelement) returns text language sql stable strict
    as $$ select ${make(bySeed)} $$`,
])

const emailOf = (name: string, tail: string): string =>
  `lower(${name}) || '.' || ${tail} || '@example.com'`

const functions: readonly string[] = [
  // HMAC without pgcrypto: hashed twice with the key, so that nothing can be appended.
  `create function anon.bytes(seed text) returns bytea language sql stable strict as $$
    select sha256(convert_to(current_setting('anon.key'), 'UTF8')
      || sha256(convert_to(current_setting('anon.key') || seed, 'UTF8'))) $$`,
  `create function anon.number(part text, seed text) returns integer language sql stable strict as $$
    select (('x' || encode(substr(anon.bytes(part || ':' || seed), 1, 4), 'hex'))::bit(32)::bigint & 2147483647)::integer $$`,
  ...fakes,
  `create function anon.fake_email() returns text language sql volatile as $$
    select ${emailOf('anon.fake_first_name()', "left(replace(gen_random_uuid()::text, '-', ''), 16)")} $$`,
  `create function anon.pseudo_email(seed anyelement) returns text language sql stable strict as $$
    select ${emailOf('anon.pseudo_first_name(seed)', "left(anon.hash('email:' || seed::text), 16)")} $$`,
  `create function anon.hash(seed anyelement) returns text language sql stable strict as $$
    select encode(anon.bytes(seed::text), 'hex') $$`,
  `create function anon.pseudo_uuid(seed anyelement) returns uuid language sql stable strict as $$
    select left(anon.hash(seed), 32)::uuid $$`,
  `create function anon.pseudo_bigint(seed anyelement) returns bigint language sql stable strict as $$
    select ('x' || '0' || left(anon.hash(seed), 15))::bit(64)::bigint $$`,
  `create function anon.pseudo_phone(seed anyelement) returns text language sql stable strict as $$
    select '+999' || lpad((anon.pseudo_bigint(seed) % 10000000000)::text, 10, '0') $$`,
  `create function anon.random_phone(prefix text default '+999') returns text language sql volatile as $$
    select prefix || lpad(floor(random() * 10000000000)::bigint::text, 10, '0') $$`,
  `create function anon.random_string(length integer) returns text language sql volatile as $$
    select coalesce(string_agg(chr(97 + floor(random() * 26)::integer), ''), '')
    from generate_series(1, length) $$`,
  `create function anon.random_zip() returns text language sql volatile as $$
    select lpad(floor(random() * 100000)::integer::text, 5, '0') $$`,
  `create function anon.random_int_between(low integer, high integer) returns integer
    language sql volatile as $$ select floor(low + (high::bigint - low + 1) * random())::integer $$`,
  `create function anon.random_bigint_between(low bigint, high bigint) returns bigint
    language sql volatile as $$ select floor(low + (high::numeric - low + 1) * random()::numeric)::bigint $$`,
  `create function anon.random_date_between(low timestamptz, high timestamptz) returns timestamptz
    language sql volatile as $$ select low + (high - low) * random() $$`,
  `create function anon.random_date() returns timestamptz
    language sql volatile as $$ select anon.random_date_between('1930-01-01', now()) $$`,
  `create function anon.random_in(list anyarray) returns anyelement language sql volatile as $$
    select list[1 + floor(random() * cardinality(list))::integer] $$`,
  `create function anon.lorem_ipsum(words integer default 20) returns text language sql volatile as $$
    select string_agg(${atRandom(list(words))}, ' ') from generate_series(1, words) $$`,
  `create function anon.noise(value anyelement, ratio double precision) returns anyelement
    language plpgsql volatile strict as $$
    declare noisy value%type;
    begin noisy := value * (1 + ratio * (2 * random() - 1)); return noisy; end $$`,
  `create function anon.dnoise(value anyelement, range interval) returns anyelement
    language plpgsql volatile strict as $$
    declare noisy value%type;
    begin noisy := value + range * (2 * random() - 1); return noisy; end $$`,
  // A value that is no longer than what would be shown of it would be shown whole.
  `create function anon.partial(value text, prefix integer, padding text, suffix integer) returns text
    language sql immutable strict as $$
    select case when length(value) > prefix + suffix
      then left(value, prefix) || padding || right(value, suffix) else padding end $$`,
  `create function anon.partial_email(value text) returns text language sql immutable strict as $$
    select case when value ~ '^[^@]{3,}@[^@]{3,}$'
      then left(value, 1) || '******@' || left(split_part(value, '@', 2), 1) || '******' else '******' end $$`,
]

/** Lets a role call them in this database; one that has a schema `anon` of its own keeps that. */
export async function createAnonFunctions(sql: Sql, role: string): Promise<void> {
  const [there] = await sql`select from pg_namespace where nspname = 'anon'`
  if (there === undefined) {
    await sql.unsafe(
      ['set check_function_bodies = off', 'create schema anon', ...functions].join(';\n'),
    )
  }
  await sql.unsafe(
    `grant usage on schema anon to ${role};\ngrant execute on all functions in schema anon to ${role}`,
  )
}
