import type { LogRecord } from '@coppice/api'

import { AppError } from '../lib/errors.ts'

/**
 * The part of LogQL that is taken: a stream selector of `=` and `!=`, then line filters `|=` and `!=`.
 * Regular expressions are refused, for they would run in the platform's own process.
 */

/** Fields that a selector can name. */
export const logFields = [
  'entity_id',
  'entity_type',
  'service_name',
  'severity_text',
  'role',
  'database',
] as const
export type LogField = (typeof logFields)[number]

/** A field of a record; empty where it has none, as LogQL has it. */
export function logFieldOf(record: LogRecord, field: LogField): string {
  switch (field) {
    case 'entity_type':
      return record.source
    case 'entity_id':
    case 'service_name':
      return record[field]
    case 'severity_text':
      return record.severity_text ?? ''
    case 'role':
    case 'database': {
      const value = record.attributes[field]
      return typeof value === 'string' ? value : ''
    }
  }
}

type Test = (record: LogRecord) => boolean

const forms = {
  open: /\s*\{/,
  matcher: /\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*/,
  comma: /\s*,/,
  close: /\s*\}/,
  lineFilter: /\s*(\|=|!=|\|~|!~)\s*/,
  text: /"(?:[^"\\]|\\.)*"|`[^`]*`/,
  end: /\s*$/,
}

/** Rejects with AppError `invalid_request`, reason `invalid_logql`. */
export function parseLogql(text: string): Test {
  const reader = new Reader(text)
  const tests: Test[] = []
  if (!reader.take(forms.open))
    throw invalidLogql('begin with a stream selector: {service_name="postgres"}')
  if (!reader.take(forms.close)) {
    do tests.push(readMatcher(reader))
    while (reader.take(forms.comma))
    if (!reader.take(forms.close)) throw invalidLogql(`expected , or } at ${reader.rest}`)
  }
  while (!reader.take(forms.end)) tests.push(readLineFilter(reader))
  return (record) => tests.every((test) => test(record))
}

function readMatcher(reader: Reader): Test {
  const [, name = '', operator = ''] = reader.take(forms.matcher) ?? []
  const field = logFields.find((one) => one === name)
  if (field === undefined) {
    throw invalidLogql(`select by ${logFields.join(', ')}, not at ${name || reader.rest}`)
  }
  const value = readOperand(reader, operator)
  return (record) => (logFieldOf(record, field) === value) === (operator === '=')
}

function readLineFilter(reader: Reader): Test {
  const [, operator = ''] = reader.take(forms.lineFilter) ?? []
  if (operator === '') {
    throw invalidLogql(`only line filters (|= and !=) can follow, not ${reader.rest}`)
  }
  const value = readOperand(reader, operator)
  return (record) => record.message.includes(value) === (operator === '|=')
}

function readOperand(reader: Reader, operator: string): string {
  if (operator.endsWith('~')) {
    throw invalidLogql('regular expressions (=~, !~, |~) are not taken; use =, != and |=')
  }
  const [quoted] = reader.take(forms.text) ?? []
  if (quoted === undefined) throw invalidLogql(`expected a quoted text at ${reader.rest}`)
  if (quoted.startsWith('`')) return quoted.slice(1, -1)
  try {
    return String(JSON.parse(quoted))
  } catch {
    throw invalidLogql(`${quoted} has an escape that is not known`)
  }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** What comes next, where it has this form. */
  take(form: RegExp): RegExpExecArray | undefined {
    const sticky = new RegExp(form.source, 'y')
    sticky.lastIndex = this.#at
    const match = sticky.exec(this.#text) ?? undefined
    if (match) this.#at = sticky.lastIndex
    return match
  }

  /** For messages. */
  get rest(): string {
    const shown = this.#text.slice(this.#at, this.#at + 20)
    return shown === '' ? 'the end' : JSON.stringify(shown)
  }
}

function invalidLogql(message: string): AppError {
  return new AppError('invalid_request', `logql: ${message}`, { reason: 'invalid_logql' })
}
