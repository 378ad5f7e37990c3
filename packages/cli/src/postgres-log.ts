/** An entry of a compute's log, in the shape of Neon's log records. */
export interface LogRecord {
  /** RFC 3339. */
  timestamp: string
  message: string
  attributes: Record<string, string>
  source: string
  severity_text: string
}

/** Severities of OpenTelemetry, which filters name, from the lowest up. */
export const severities = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type Severity = (typeof severities)[number]

/** `2030-01-31 12:00:00.123 UTC [42] role@database ERROR:  …`: the platform's `log_line_prefix`. */
const entryPattern =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?:UTC|GMT) \[(\d+)\] (?:(\S*)@(\S*) )?([A-Z]+\d?): {2}(.*)$/

/** Lines that say more about the entry before. */
const details: ReadonlyArray<string> = [
  'DETAIL',
  'HINT',
  'QUERY',
  'CONTEXT',
  'STATEMENT',
  'LOCATION',
  'BACKTRACE',
]

/** Every entry of a log's text; what stands before the first, cut off at the start, is left out. */
export function parsePostgresLog(text: string, attributes: Record<string, string>): LogRecord[] {
  const records: LogRecord[] = []
  /** The last entry of each process, to which its details belong. */
  const open = new Map<string, LogRecord>()
  let last: { record: LogRecord; part: string | undefined } | undefined
  for (const line of text.split('\n')) {
    const entry = entryPattern.exec(line)
    if (!entry) {
      if (last && line !== '') append(last.record, last.part, `\n${line.replace(/^\t/, '')}`)
      continue
    }
    const [, time = '', pid = '', role, database, word = '', message = ''] = entry
    const owner = details.includes(word) ? open.get(pid) : undefined
    if (owner) {
      const part = word.toLowerCase()
      append(owner, part, message)
      last = { record: owner, part }
      continue
    }
    const record: LogRecord = {
      timestamp: `${time.replace(' ', 'T')}Z`,
      message,
      attributes: { ...attributes, pid, ...(role && { role }), ...(database && { database }) },
      source: 'pg_endpoint',
      severity_text: word,
    }
    records.push(record)
    open.set(pid, record)
    last = { record, part: undefined }
  }
  return records
}

function append(record: LogRecord, part: string | undefined, text: string): void {
  if (part === undefined) record.message += text
  else record.attributes[part] = (record.attributes[part] ?? '') + text
}

/** Where a severity of PostgreSQL stands among OpenTelemetry's. */
export function severityOf({ severity_text: word }: LogRecord): Severity {
  if (word.startsWith('DEBUG')) return 'debug'
  if (word === 'WARNING') return 'warn'
  if (word === 'ERROR') return 'error'
  return word === 'FATAL' || word === 'PANIC' ? 'fatal' : 'info'
}
