import { PostgreSQL, SQLDialect } from '@codemirror/lang-sql'

/**
 * The words that statements are made of. CodeMirror's list has every word of every standard, so that
 * columns named `id`, `name` or `type` look like syntax.
 */
const keywords = `
  add all alter always analyze and any array as asc asymmetric authorization begin between both by cascade
  case cast check checkpoint close cluster collate column comment commit concurrently constraint copy create
  cross cube current current_catalog current_date current_role current_schema current_time
  current_timestamp current_user cursor database deallocate declare default deferrable deferred delete desc
  discard distinct do drop each else end except excluded exclude execute exists explain extension fetch
  filter first following for foreign from full function generated global grant group grouping having if
  ilike immutable in index inherit inherits inner insert instead intersect interval into is isolation join
  key language last lateral leading left like limit listen local localtime localtimestamp lock locked
  materialized merge natural next no not nothing notify nowait null nulls of off offset on only or order
  ordinality outer over overlaps partition policy preceding prepare primary privileges procedure
  publication range read recursive refresh references reindex release rename replace reset restart restrict
  returning returns revoke right role rollback rollup row rows savepoint schema security select sequence
  serializable session_user set sets share show similar skip some stable strict subscription symmetric table
  tablesample temporary then ties to trailing transaction trigger truncate unbounded union unique
  unlisten unlogged update user using vacuum values variadic verbose view volatile when where window with
  within without work write`
  .trim()
  .replaceAll(/\s+/g, ' ')

export const postgres = SQLDialect.define({ ...PostgreSQL.spec, keywords })
