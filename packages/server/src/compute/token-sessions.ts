/**
 * Clients that show a JSON web token instead of a password. The gateway verifies it and gives the
 * transaction its claims in a variable, `coppice.jwt`. A role can set every variable of its session, so
 * the claims are sealed: by HMAC-SHA-256, with a key that functions of the superuser read and roles do
 * not. `auth.session()` answers the claims where the seal is good, and null for anything else; policies
 * ask `auth.user_id()`.
 */
import type { Sql } from 'postgres'

import { AppError } from '../lib/errors.ts'
import { superuserName } from './access-files.ts'

/** Hash blocks of SHA-256, for HMAC (RFC 2104). */
const blockBytes = 64

/**
 * Makes schema `auth` and what is in it, or gives it this key. May be repeated, also at once. Rejects with
 * AppError `invalid_request` where the database has a schema of that name that is not the platform's.
 */
export async function createTokenFunctions(sql: Sql, key: Buffer): Promise<void> {
  const [inner, outer] = [pad(key, 0x36), pad(key, 0x5c)]
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(hashtext('coppice token functions'))`
    const [schema] = await transaction<{ owner: string }[]>`
      select nspowner::regrole::text as owner from pg_namespace where nspname = 'auth'`
    if (schema !== undefined && schema.owner !== superuserName) {
      throw new AppError(
        'invalid_request',
        "schema auth of this database is not the platform's: rename it, so that tokens can be used here",
      )
    }
    if (schema === undefined) await transaction.unsafe(objects)
    await transaction`
      insert into auth.token_key (inner_pad, outer_pad) values (${inner}, ${outer})
      on conflict (one) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
      where token_key.inner_pad <> excluded.inner_pad`
  })
}

function pad(key: Buffer, byte: number): Buffer {
  const padded = Buffer.alloc(blockBytes)
  key.copy(padded)
  return padded.map((value) => value ^ byte) as Buffer
}

/**
 * As pg_session_jwt, Neon's extension, has them. Thirty seconds are the skew that the gateway allows as
 * well.
 */
const objects = `
  create schema auth;
  grant usage on schema auth to public;
  create table auth.token_key (
    one bool primary key default true check (one),
    inner_pad bytea not null,
    outer_pad bytea not null
  );
  create function auth.session() returns jsonb
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $function$
  declare
    token text := current_setting('coppice.jwt', true);
    seal text := split_part(token, '.', 1);
    payload text := split_part(token, '.', 2);
    expected text;
    claims jsonb;
  begin
    if token is null or token = '' then return null; end if;
    select encode(sha256(outer_pad || sha256(inner_pad || convert_to(payload, 'UTF8'))), 'hex')
      into expected from auth.token_key;
    if expected is distinct from seal then return null; end if;
    claims := convert_from(decode(payload, 'base64'), 'UTF8')::jsonb;
    if (claims ->> 'exp')::numeric + 30 < extract(epoch from clock_timestamp()) then return null; end if;
    return claims;
  end $function$;
  create function auth.user_id() returns text
  language sql stable set search_path = pg_catalog, pg_temp
  as $function$ select auth.session() ->> 'sub' $function$;
  create function auth.uid() returns uuid
  language sql stable set search_path = pg_catalog, pg_temp
  as $function$ select (auth.session() ->> 'sub')::uuid $function$`
