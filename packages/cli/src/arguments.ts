/** What the user typed, taken apart before options are. */
export interface Arguments {
  /** For the parser of commands and options. */
  args: string[]
  /** What stood after `--`, for psql. */
  passthrough: string[]
  /** What stood after a literal `//`: a comment that was copied with its command. */
  comment: string | undefined
}

/** Words by which a command line says that it runs psql. */
const psqlWords = ['psql', '--psql']

/** Cuts off a `//` comment, and what is psql's. */
export function splitArguments(argv: readonly string[]): Arguments {
  const end = indexOrEnd(argv, '--')
  const start = indexOrEnd(argv.slice(0, end), '//')
  const isComment = start < end
  const comment = isComment ? argv.slice(start).join(' ') : undefined
  const kept = isComment ? argv.slice(0, start) : argv.slice(0, end)
  const rest = isComment ? [] : argv.slice(end)
  const runsPsql = kept.some((word) => psqlWords.includes(word))
  return {
    args: runsPsql ? kept : [...kept, ...rest],
    passthrough: runsPsql ? rest.slice(1) : [],
    comment,
  }
}

function indexOrEnd(words: readonly string[], word: string): number {
  const index = words.indexOf(word)
  return index < 0 ? words.length : index
}
