/** Values as PostgreSQL writes them; null is NULL. */
export type TextRow = readonly (string | null)[]

/**
 * One session in one database, in one transaction that sees one moment. Statements that are given
 * without waiting run one after another.
 */
export interface Session {
  query(text: string): Promise<TextRow[]>
}

/** Makes values be written the same way in both sessions, and nothing be hidden or cut short. */
export const sessionSetup = `
set application_name to 'coppice diff';
set timezone to 'UTC';
set datestyle to 'ISO, YMD';
set intervalstyle to 'postgres';
set bytea_output to 'hex';
set extra_float_digits to 1;
set standard_conforming_strings to on;
set search_path to pg_catalog;
set row_security to off;
set jit to off;
set work_mem to '64MB';
set cursor_tuple_fraction to 1;
set statement_timeout to 0;
set idle_in_transaction_session_timeout to 0;
begin transaction isolation level repeatable read read only;`

export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
