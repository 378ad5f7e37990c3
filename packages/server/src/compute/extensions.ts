/**
 * Which extensions the roles of a project can create. A role is never a superuser, so PostgreSQL lets it
 * create those whose control file says `trusted`; the platform's copies of control files say it of more,
 * and of fewer, than PostgreSQL's own. docs/extensions.md lists them, decision 14 has the reasons.
 */

/** PostgreSQL itself trusts roles with these. */
export const trustedByPostgres: readonly string[] = (
  'btree_gin btree_gist citext cube dict_int fuzzystrmatch hstore intarray isn lo ltree pg_trgm ' +
  'pgcrypto plpgsql seg tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp'
).split(' ')

/**
 * Neon offers these as well. Their scripts, which run as the superuser, have been read: they only
 * create things, and call nothing that a role could have put into their schema before.
 */
export const trustedByUs: readonly string[] = (
  'autoinc bloom earthdistance insert_username intagg moddatetime pg_prewarm pg_stat_statements ' +
  'pgrowlocks pgstattuple'
).split(' ')

/** Never trusted, whatever a control file or the operator says. */
export const refusedExtensions: readonly (readonly [why: string, names: readonly string[]])[] = [
  ['they read and write files of the host, or run programs on it', 'adminpack file_fdw'],
  [
    'their code is the host’s: they are languages without a sandbox',
    'plperlu plpython3u pltclu hstore_plperlu bool_plperlu jsonb_plperlu hstore_plpython3u ' +
      'jsonb_plpython3u ltree_plpython3u',
  ],
  [
    'their sandbox is a library’s, and a way out of it leads to every compute; Neon has none of them',
    'plperl pltcl bool_plperl hstore_plperl jsonb_plperl',
  ],
  [
    'they open connections from within the host, to other computes’ sockets too, and libpq’s options name files that it reads and writes',
    'dblink postgres_fdw',
  ],
  [
    'they read or change pages and WAL past all privileges',
    'amcheck pageinspect pg_logicalinspect pg_surgery pg_visibility pg_walinspect',
  ],
  [
    'old code of C that handles what users give it; PostgreSQL does the same by itself',
    'refint xml2',
  ],
  [
    'of no use here, and not on Neon',
    'dict_xsyn old_snapshot pg_buffercache pg_freespacemap sslinfo',
  ],
].map(([why = '', names = '']) => [why, names.split(' ')] as const)

const refusedNames = new Set(refusedExtensions.flatMap(([, names]) => names))

/** Why no one may be trusted with it, or undefined where that is up to the operator. */
export function whyRefused(name: string): string | undefined {
  return refusedExtensions.find(([, names]) => names.includes(name))?.[0]
}

/**
 * A control file with the platform's word on who may create the extension; undefined where PostgreSQL's
 * or the extension's author's stands. `trustedToo` is the operator's list.
 */
export function changeControlFile(
  name: string,
  content: string,
  trustedToo: readonly string[],
): string | undefined {
  const isRefused = refusedNames.has(name)
  if (!isRefused && !trustedByUs.includes(name) && !trustedToo.includes(name)) return undefined
  const others = content.split('\n').filter((line) => !/^\s*trusted\s*=/.test(line))
  return `${others.join('\n').trimEnd()}\ntrusted = ${isRefused ? 'false' : 'true'}\n`
}
