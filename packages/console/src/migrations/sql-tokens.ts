import { splitTokens } from '../ui/sql-tokens.ts'

/** What a piece of SQL is, as far as colours go. */
export interface SqlToken {
  kind: 'plain' | 'keyword' | 'type' | 'string' | 'comment' | 'number' | 'name'
  text: string
}

const keywords = new Set(
  `add aggregate all alter always analyze and any array as asc authorization begin between by cascade
  case cast check class cluster collate column comment commit concurrently constraint create cross
  current_date current_timestamp cycle data database default deferrable deferred definer delete desc
  disable distinct do domain drop each else enable end enum except exclude execute exists expression
  extension false filter first following for force foreign from full function generated grant group
  having identity if immutable in include increment index inherit inherits initially inner insert
  instead into invoker is join key language last lateral leakproof left like limit local lock
  maxvalue minvalue materialized no not nothing null nulls of offset on only or order over owned
  owner parallel partition policy preceding primary privileges procedure public range references
  refresh rename replace restrict returning returns revoke right role row rows rule schema security
  select sequence set setof share stable start statement statistics storage stored strict table
  temporary then to trigger true truncate type union unique update using valid validate values view
  virtual volatile when where window with without`.split(/\s+/),
)

const types = new Set(
  `bigint bigserial bit bool boolean box bytea char character cidr circle date daterange decimal
  double float inet int int2 int4 int8 integer interval json jsonb line macaddr money numeric
  path point polygon precision real regclass serial smallint smallserial text time timestamp
  timestamptz timetz tsquery tsvector uuid varchar varying xml zone`.split(/\s+/),
)

/** A comment; a string, also one that goes on in the next line; a name in quotes; a number; a word. */
const pattern =
  /(--.*)|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?)|(\$[A-Za-z_]*\$)|(\b\d+(?:\.\d+)?\b)|([A-Za-z_][\w$]*)/g

/** Takes a line of SQL apart for its colours. Joined, the texts are the line. */
export const tokensOf = (line: string): SqlToken[] => splitTokens(line, pattern, kindOf)

function kindOf(match: RegExpMatchArray): SqlToken['kind'] {
  const [, comment, string, name, dollar, number, word = ''] = match
  if (comment !== undefined) return 'comment'
  if (string !== undefined || dollar !== undefined) return 'string'
  if (name !== undefined) return 'name'
  if (number !== undefined) return 'number'
  const lower = word.toLowerCase()
  if (types.has(lower)) return 'type'
  return keywords.has(lower) ? 'keyword' : 'plain'
}
