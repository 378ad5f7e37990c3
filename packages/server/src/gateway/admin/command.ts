import { ClientError } from '../errors.ts'
import { consoleStates } from './answers.ts'

/** One command of the console. */
export interface Command {
  /** Upper-case, such as SHOW. */
  verb: string
  /** What follows, without the quotes; names keep their case. */
  words: string[]
  /** As it was sent, for errors. */
  text: string
}

/** Space and comments, a quoted name or text, the end of a command, `=`, a word. */
const token =
  /(?<space>\s+|--[^\n]*|\/\*[^]*?\*\/)|"(?<name>(?:[^"]|"")*)"|'(?<literal>(?:[^']|'')*)'|(?<mark>[;=])|(?<word>[^\s;="']+)/y

/** The commands of a text, separated by `;`. Throws ClientError where a quote does not end. */
export function parseCommands(text: string): Command[] {
  const commands: Command[] = []
  let words: string[] = []
  let start = 0
  const finish = (end: number) => {
    const [verb, ...rest] = words
    if (verb !== undefined) {
      commands.push({
        verb: verb.toUpperCase(),
        words: rest,
        text: text.slice(start, end).trim(),
      })
    }
    words = []
    start = end + 1
  }
  for (let at = 0; at < text.length;) {
    token.lastIndex = at
    const match = token.exec(text)
    if (match === null) throw unfinished(text.slice(start).trim())
    const word = wordOf(match)
    if (word !== undefined) words.push(word)
    else if (match.groups?.['mark'] === ';') finish(at)
    at = token.lastIndex
  }
  finish(text.length)
  return commands
}

function wordOf({ groups }: RegExpExecArray): string | undefined {
  return (
    groups?.['name']?.replaceAll('""', '"') ??
    groups?.['literal']?.replaceAll("''", "'") ??
    groups?.['word'] ??
    (groups?.['mark'] === '=' ? '=' : undefined)
  )
}

function unfinished(text: string): ClientError {
  return new ClientError(
    consoleStates.syntax,
    `a quote does not end in '${shorten(text)}'; use SHOW HELP`,
  )
}

/** The answer to what the console does not know, in PgBouncer's words. */
export function invalidCommand({ text }: Command): ClientError {
  return new ClientError(consoleStates.syntax, `invalid command '${shorten(text)}', use SHOW HELP;`)
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
