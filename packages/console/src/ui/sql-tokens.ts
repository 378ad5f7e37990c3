/** SQL taken apart for the eye: no more than words, strings, numbers and comments. */
export type TokenKind = 'keyword' | 'string' | 'number' | 'comment' | 'plain'

export interface Token {
  kind: TokenKind
  text: string
}

/** PostgreSQL's own words that queries are made of; others are names as likely as not. */
const keywords = new Set(
  `all alter analyze and any array as asc begin between by call case cast check collate column commit
  constraint copy create cross current_date current_timestamp cursor database default delete desc
  distinct do drop else end except exists explain extension false fetch filter first for foreign from
  full function grant group having if ilike in index inner insert intersect interval into is isnull join
  key last lateral left like limit listen lock materialized merge natural not notify notnull null nulls
  offset on only or order outer over partition policy primary procedure recursive references refresh
  reindex release replace returning revoke right rollback row rows savepoint schema select sequence set
  share show similar skip some start table tablesample temporary then to transaction trigger true
  truncate type union unique update using vacuum values view when where window with within work`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

const pattern =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<string>[eEbBxX]?'(?:[^']|'')*(?:'|$)|\$(?<tag>\w*)\$[\s\S]*?(?:\$\k<tag>\$|$))|(?<name>"(?:[^"]|"")*(?:"|$))|(?<parameter>\$\d+)|(?<number>\b\d+(?:\.\d+)?\b)|(?<word>[A-Za-z_][\w$]*)/g

export const tokenize = (sql: string): Token[] =>
  splitTokens(sql, pattern, (match) => kindOf(match.groups ?? {}))

/** Takes a text apart at what matches; what lies between is plain. Joined, the texts are the text. */
export function splitTokens<K extends string>(
  sql: string,
  pattern: RegExp,
  kindOf: (match: RegExpMatchArray) => K | 'plain',
): { kind: K | 'plain'; text: string }[] {
  const tokens: { kind: K | 'plain'; text: string }[] = []
  const add = (kind: K | 'plain', text: string): void => {
    const last = tokens.at(-1)
    if (last?.kind === kind) last.text += text
    else if (text !== '') tokens.push({ kind, text })
  }
  let end = 0
  for (const match of sql.matchAll(pattern)) {
    const [text] = match
    add('plain', sql.slice(end, match.index))
    add(kindOf(match), text)
    end = match.index + text.length
  }
  add('plain', sql.slice(end))
  return tokens
}

function kindOf(groups: Record<string, string | undefined>): TokenKind {
  const { comment, string, parameter, number, word } = groups
  if (comment !== undefined) return 'comment'
  if (string !== undefined) return 'string'
  if (number !== undefined || parameter !== undefined) return 'number'
  return word !== undefined && keywords.has(word.toLowerCase()) ? 'keyword' : 'plain'
}
