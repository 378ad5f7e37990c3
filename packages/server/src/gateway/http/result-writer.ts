/**
 * Writes the JSON of results while their rows arrive, so that an answer is never held twice and its
 * size is known at every moment.
 */
import { parseErrorFields } from '../wire/error-response.ts'
import { QueryError, RequestError } from './failures.ts'
import { type Column, parseDataRow, parseRowDescription } from './query-messages.ts'
import { jsonOfType, rawText, type ToJson } from './value-json.ts'

export interface ResultOptions {
  rawText: boolean
  /** For each result that is to come, whether its rows are arrays. */
  arrayModes: readonly boolean[]
  /** Of all results together, written. */
  maxBytes: number
  /** Called once, when the results are more than that; what follows is dropped. */
  onTooLarge(): void
}

/** Text is joined until it is worth a buffer: one string of many small parts costs more than its length. */
const flushAboveCharacters = 64 * 1024

export class ResultWriter {
  readonly #options: ResultOptions
  readonly #written: Buffer[] = []
  #text = ''
  #bytes = 0
  #results = 0
  #isTooLarge = false
  /** How the rows of the result that is being written are rendered; undefined between results. */
  #renderRow: ((body: Buffer) => string) | undefined
  #rows = 0
  #asArrays = false
  #failure: QueryError | RequestError | undefined

  constructor(options: ResultOptions) {
    this.#options = options
  }

  /** The first error that PostgreSQL has answered, or that its answers gave. */
  get failure(): QueryError | RequestError | undefined {
    return this.#failure
  }

  /** Takes one message of the extended protocol's answers, in their order. Never throws: others come after it. */
  take(type: string, body: Buffer): void {
    try {
      this.#take(type, body)
    } catch {
      this.#failure ??= new RequestError(500, 'could not parse postgres response')
    }
  }

  #take(type: string, body: Buffer): void {
    if (type === 'E') this.#failure ??= new QueryError(parseErrorFields(body))
    else if (this.#isTooLarge) return
    else if (type === 'D') this.#writeRow(body)
    else if (type === 'T') this.#begin(parseRowDescription(body))
    else if (type === 'n') this.#begin([])
    else if (type === 'C') this.#end(body.toString('utf8', 0, body.length - 1))
    else if (type === 'I') this.#end('')
  }

  /** What was written, results separated by commas. */
  finish(): Buffer[] {
    this.#flush()
    return this.#written
  }

  #begin(columns: readonly Column[]): void {
    this.#asArrays = this.#options.arrayModes[this.#results] ?? false
    const separator = this.#results === 0 ? '' : ','
    this.#results++
    this.#rows = 0
    const toJson = columns.map(({ dataTypeID }) =>
      this.#options.rawText ? rawText : jsonOfType(dataTypeID),
    )
    this.#renderRow = this.#asArrays ? arrayRenderer(toJson) : objectRenderer(columns, toJson)
    this.#write(`${separator}{"fields":${JSON.stringify(columns)},"rows":[`)
  }

  #writeRow(body: Buffer): void {
    if (this.#renderRow === undefined) return
    const row = this.#renderRow(body)
    this.#write(this.#rows++ === 0 ? row : `,${row}`)
  }

  /** Statements of ours are not described, so that no result is open at their end. */
  #end(tag: string): void {
    if (this.#renderRow === undefined) return
    this.#renderRow = undefined
    const { command, rowCount } = parseCommandTag(tag)
    this.#write(
      `],"command":${JSON.stringify(command)},"rowCount":${rowCount},"rowAsArray":${this.#asArrays}}`,
    )
  }

  #write(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    if (this.#bytes > this.#options.maxBytes) {
      this.#isTooLarge = true
      this.#text = ''
      this.#written.length = 0
      this.#options.onTooLarge()
      return
    }
    this.#text += text
    if (this.#text.length > flushAboveCharacters) this.#flush()
  }

  #flush(): void {
    if (this.#text !== '') this.#written.push(Buffer.from(this.#text))
    this.#text = ''
  }
}

function arrayRenderer(toJson: readonly ToJson[]): (body: Buffer) => string {
  return (body) =>
    `[${parseDataRow(body)
      .map((text, at) => render(text, toJson[at]))
      .join(',')}]`
}

/** Of columns with one name the last counts, as where objects are built. */
function objectRenderer(
  columns: readonly Column[],
  toJson: readonly ToJson[],
): (body: Buffer) => string {
  const names = columns.map(({ name }) => name)
  const keys = names.map((name, at) =>
    names.includes(name, at + 1) ? undefined : `${JSON.stringify(name)}:`,
  )
  return (body) => {
    const members = parseDataRow(body).flatMap((text, at) => {
      const key = keys[at]
      return key === undefined ? [] : [key + render(text, toJson[at])]
    })
    return `{${members.join(',')}}`
  }
}

function render(text: string | null, toJson: ToJson = rawText): string {
  return text === null ? 'null' : toJson(text)
}

/** `SELECT 3`, `INSERT 0 1`, `CREATE TABLE`: the first word and the number of rows, null where there is none. */
export function parseCommandTag(tag: string): { command: string; rowCount: number | null } {
  const [command = '', second = '', third = ''] = tag.split(' ')
  const count = command === 'INSERT' ? third : second
  return { command, rowCount: /^\d+$/.test(count) ? Number(count) : null }
}
