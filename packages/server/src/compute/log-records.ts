import { open } from 'node:fs/promises'

import { errorCode } from '../lib/errors.ts'

/** One message of PostgreSQL's log. */
export interface PostgresLogRecord {
  atMs: number
  processId: number
  /** PostgreSQL's word for how grave it is: `LOG`, `ERROR`. */
  severity: string
  /** With its DETAIL, HINT and CONTEXT, each on lines of its own. */
  message: string
  /** Of the session, where there is one. */
  role: string | undefined
  database: string | undefined
}

/** `log_line_prefix` of `settings.ts`: `%m [%p] %q%u@%d `, with the time in UTC; names may have spaces. */
const beginning =
  /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) UTC \[(\d+)\] (?:(.{0,128}?)@(.{0,128}?) )??([A-Z]+[1-5]?): {2}(.*)$/

/** What PostgreSQL adds to a message, as lines that look like messages of their own. */
const additions = new Set(['DETAIL', 'HINT', 'QUERY', 'CONTEXT', 'STATEMENT', 'LOCATION'])

/** A message can quote a statement of any length. */
const maxMessageCharacters = 64 * 1024

/** Reads the older file and then the newer one. What is before the first message of all is left out. */
export async function* readLogRecords(logFile: string): AsyncGenerator<PostgresLogRecord> {
  for (const path of [`${logFile}.1`, logFile]) yield* readFileRecords(path)
}

async function* readFileRecords(path: string): AsyncGenerator<PostgresLogRecord> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
  if (file) yield* parseLogRecords(linesOf(file.createReadStream({ encoding: 'utf8' })))
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of text) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Joins lines to messages. */
export async function* parseLogRecords(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<PostgresLogRecord> {
  let record: PostgresLogRecord | undefined
  for await (const text of lines) {
    const match = beginning.exec(text)
    const severity = match?.[6] ?? ''
    if (match !== null && !additions.has(severity)) {
      if (record) yield record
      record = parseRecord(match)
    } else if (record) {
      // Lines after the first are indented by a tab.
      extend(record, match ? `${severity}:  ${match[7] ?? ''}` : text.replace(/^\t/, ''))
    }
  }
  if (record) yield record
}

function parseRecord(match: RegExpExecArray): PostgresLogRecord {
  const [, date, time, processId, role, database, severity = '', message = ''] = match
  return {
    atMs: Date.parse(`${date}T${time}Z`),
    processId: Number(processId),
    severity,
    message: message.slice(0, maxMessageCharacters),
    role: known(role),
    database: known(database),
  }
}

/** Before a session has logged in. */
const known = (name: string | undefined): string | undefined =>
  name === '[unknown]' || name === '' ? undefined : name

function extend(record: PostgresLogRecord, text: string): void {
  const room = maxMessageCharacters - record.message.length
  if (room > 0) record.message += `\n${text}`.slice(0, room)
}
