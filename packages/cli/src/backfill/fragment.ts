import { CliError } from '../errors.ts'

/** A part of a statement that the user gives, by the option that gives it. */
export interface Fragment {
  option: '--set' | '--where'
  text: string
}

/**
 * What ends or changes the statement around a fragment, by where PostgreSQL's lexer sees it (manual,
 * 4.1). The fragment runs with the rights of its author: this guards against mistakes, such as a
 * parenthesis that closes ours and takes the range of keys out of the condition.
 */
const token = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`[eE]'(?:[^'\\]|''|\\.)*'`,
    String.raw`'(?:[^']|'')*'`,
    String.raw`"(?:[^"]|"")*"`,
    String.raw`\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$.*?\$\1\$`,
    String.raw`\$\d+`,
    String.raw`[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*`,
    String.raw`[\s\S]`,
  ].join('|'),
  'sy',
)

const closers: Record<string, string | undefined> = { '(': ')', '[': ']' }
const clauses: Record<string, string | undefined> = {
  where: 'Give the condition as --where.',
  returning: 'There is nobody to return rows to.',
  from: 'Use a subquery in its place: (SELECT … FROM … WHERE …).',
}

/** Rejects a fragment that would not stay in its place. */
export function checkFragment({ option, text }: Fragment): void {
  if (text.trim() === '') throw new CliError(`${option} is empty.`)
  const open: string[] = []
  let before = ''
  for (const word of tokensOf(option, text)) {
    if (word === ';') throw new CliError(`${option} holds a ;, and must be one expression.`)
    if (/^\$\d/.test(word)) throw new CliError(`${option} holds ${word}, a parameter of nothing.`)
    if (/^['"]$/.test(word)) throw new CliError(`${option} opens a ${word} that it does not close.`)
    const closer = closers[word]
    if (closer !== undefined) open.push(closer)
    else if ((word === ')' || word === ']') && open.pop() !== word) throw unbalanced(option, word)
    if (option === '--set' && open.length === 0) checkClause(word, before)
    if (word.trim() !== '') before = word.toLowerCase()
  }
  const missing = open.pop()
  if (missing !== undefined) throw unbalanced(option, missing)
}

function checkClause(word: string, before: string): void {
  const advice = clauses[word.toLowerCase()]
  // `IS DISTINCT FROM` compares.
  if (advice === undefined || before === 'distinct') return
  throw new CliError(`--set holds ${word.toUpperCase()}.`, { advice })
}

function unbalanced(option: string, parenthesis: string): CliError {
  return new CliError(
    `The parentheses of ${option} do not match: there is a ${parenthesis} ` +
      'too many or too few.',
  )
}

function* tokensOf(option: string, text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    if (text.startsWith('/*', at)) {
      at = endOfComment(option, text, at)
      continue
    }
    token.lastIndex = at
    const [word = text.charAt(at)] = token.exec(text) ?? []
    yield word
    at += word.length
  }
}

/** Where a comment ends; they nest. */
function endOfComment(option: string, text: string, start: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  let depth = 0
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  throw new CliError(`${option} opens a comment that it does not close.`)
}
