/**
 * A question to a PostgreSQL, 14 to 18, as SQL of ours. Names and columns of the first fifteen are those of
 * Neon's CLI, so that scripts carry over.
 */
export interface Diagnostic {
  name: string
  description: string
  /** `compute`: the same in every database, so that one is asked. */
  scope: 'database' | 'compute'
  sql: string
  /** An extension that the database must have. */
  extension?: string
  /** What an empty answer means. */
  none: string
}

/** Schemas that are PostgreSQL's own. */
export const systemSchemas = `('pg_catalog', 'information_schema', 'pg_toast')`

/** How many rows are worth reading of what is ranked. */
export const rankedMax = 25

/**
 * Ends each statement of ours, so that what counts statements can leave them out. Comments that begin
 * one are not kept by PostgreSQL 18.
 */
export const mark = '/* coppice inspect */'

/**
 * Puts the schema of an extension on the session's search path. Answers no row where the database does not
 * have it. `name` is ours, not a user's.
 */
export const findExtension = (name: string): string => `
    select set_config('search_path', current_setting('search_path') || ', ' || nspname, false)
    from (
      select quote_ident(nspname) as nspname
      from pg_extension join pg_namespace on pg_namespace.oid = extnamespace
      where extname = '${name}'
    ) extension ${mark}`
