/**
 * `pg_session_jwt`, an extension of the platform's own with the functions of Neon's of that name, in SQL
 * alone: its files are beside the server's. What it answers from is in `token-sessions.ts`.
 */

export const sessionJwt = 'pg_session_jwt'

/** Table of the key that claims are sealed with. The data of an extension's table is in no dump. */
export const sessionJwtScript = `
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
  as $function$ select (auth.session() ->> 'sub')::uuid $function$;
`

/** The two files, by name, as `CREATE EXTENSION` wants them. */
export const sessionJwtFiles: Readonly<Record<string, string>> = {
  [`${sessionJwt}.control`]:
    "comment = 'who a JSON web token is of, for row security'\n" +
    "default_version = '1.0'\nschema = pg_catalog\nrelocatable = false\ntrusted = true\n",
  [`${sessionJwt}--1.0.sql`]: `\\echo Use "CREATE EXTENSION ${sessionJwt}" to load this file. \\quit\n${sessionJwtScript}`,
}
