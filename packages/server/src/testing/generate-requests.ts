import fc, { type Arbitrary } from 'fast-check'

/**
 * Requests out of schemas: what a schema allows, and now and then what it does not, in any place of it.
 */

/** The part of JSON Schema that the schemas of the contract and of Neon's document use. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  allOf?: Schema[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  patternProperties?: Record<string, Schema>
  items?: Schema
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
}

export interface Sources {
  /** Follows `$ref`. */
  resolve(reference: string): Schema
  /** Values worth trying for a property or parameter of this name, such as ids that exist. */
  known: Readonly<Record<string, readonly unknown[]>>
  /** Whether there may also be what a schema does not allow, and texts that break programs. */
  isHostile: boolean
}

/** What breaks programs that take text, URLs and SQL for granted. */
const oddTexts = [
  '',
  ' ',
  'x'.repeat(64),
  'x'.repeat(300),
  'Ünïcödé 🐘',
  '‮right to left',
  'nul\0byte',
  '\ud800',
  'line\nbreak',
  "'; drop table projects; --",
  '"quoted"',
  '%00%zz%',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'null',
  '-1',
  '1e999',
] as const

const oddValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e300,
  '',
  'x',
  [],
  [null],
  {},
  { a: 1 },
]

const oddText = fc.constantFrom(...oddTexts)

/** Values for a schema; of hostile ones, one in twelve at any depth is of another type. */
export function valuesOf(schema: Schema, sources: Sources, name = ''): Arbitrary<unknown> {
  const sound = soundValuesOf(schema, sources, name)
  if (!sources.isHostile) return sound
  return fc.oneof(
    { weight: 11, arbitrary: sound },
    { weight: 1, arbitrary: fc.constantFrom(...oddValues) },
  )
}

/** Texts for a path or query parameter. */
export function textsOf(schema: Schema, sources: Sources, name: string): Arbitrary<string> {
  const sound = soundValuesOf(schema, sources, name).map(String)
  if (!sources.isHostile) return sound
  return fc.oneof({ weight: 8, arbitrary: sound }, { weight: 1, arbitrary: oddText })
}

/** Some of the optional ones: each is there in one of four. */
export function someOf(optional: Record<string, Arbitrary<unknown>>): Arbitrary<object> {
  const entries = Object.entries(optional).map(([key, value]) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: value.map((one) => [[key, one]]) },
    ),
  )
  return fc.tuple(...entries).map((found) => Object.fromEntries(found.flat()) as object)
}

function soundValuesOf(schema: Schema, sources: Sources, name: string): Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const { $ref, ...beside } = schema
    return soundValuesOf({ ...sources.resolve($ref), ...beside }, sources, name)
  }
  const known = sources.known[name]
  if (known !== undefined) return fc.constantFrom(...known)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.allOf !== undefined) {
    const parts = schema.allOf.map((part) => soundValuesOf(part, sources, name))
    return fc.tuple(...parts).map((values) => Object.assign({}, ...values) as unknown)
  }
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) {
    return fc.oneof(...choices.map((choice) => soundValuesOf(choice, sources, name)))
  }
  return ofType(schema, sources)
}

function ofType(schema: Schema, sources: Sources): Arbitrary<unknown> {
  const type: string = [schema.type].flat()[0] ?? ''
  switch (type) {
    case 'boolean':
      return fc.boolean()
    case 'integer':
    case 'number':
      return numbers(schema, sources)
    case 'string':
      return strings(schema, sources)
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, sources), { maxLength: 3 })
    case 'null':
      return fc.constant(null)
    case 'object':
      return objects(schema, sources)
    default:
      return fc.constantFrom(...oddValues)
  }
}

function objects(schema: Schema, sources: Sources): Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema
  const values = (isRequired: boolean) =>
    Object.fromEntries(
      Object.entries(properties)
        .filter(([key]) => required.includes(key) === isRequired)
        .map(([key, property]) => [key, valuesOf(property, sources, key)]),
    )
  const whole = fc
    .tuple(fc.record(values(true)), someOf(values(false)))
    .map(([a, b]) => ({ ...a, ...b }))
  const others = schema.additionalProperties ?? Object.values(schema.patternProperties ?? {})[0]
  if (typeof others !== 'object') return sources.isHostile ? withoutSome(whole) : whole
  const names = fc.constantFrom('work_mem', 'statement_timeout')
  const keys = sources.isHostile ? fc.oneof(names, oddText) : names
  const extra = fc.dictionary(keys, valuesOf(others, sources), { maxKeys: 3 })
  return fc.tuple(whole, extra).map(([a, b]) => ({ ...a, ...b }))
}

/** Now and then what is required is missing. */
function withoutSome(whole: Arbitrary<object>): Arbitrary<object> {
  return fc.oneof({ weight: 11, arbitrary: whole }, { weight: 1, arbitrary: fc.constant({}) })
}

function numbers(
  { type, minimum = 0, maximum }: Schema,
  { isHostile }: Sources,
): Arbitrary<number> {
  const least = Math.max(minimum, 0)
  const top = Math.min(maximum ?? 1000, 1000)
  const usual =
    type === 'integer'
      ? fc.integer({ min: least, max: Math.max(top, least) })
      : fc.constantFrom(0.25, 0.5, 1, 2)
  if (!isHostile) return usual
  const bounds = [minimum, ...(maximum === undefined ? [] : [maximum])]
  const beyond = bounds.flatMap((bound) => [bound, bound - 1, bound + 1])
  return fc.oneof(usual, fc.constantFrom(...beyond, -1, 0.3, 2 ** 31, 2 ** 53 - 1, 2 ** 53))
}

const hourMs = 3_600_000

function strings({ format, pattern }: Schema, { isHostile }: Sources): Arbitrary<string> {
  if (format === 'date-time') {
    const soon = new Date(Date.now() + hourMs).toISOString()
    if (!isHostile) return fc.constant(soon)
    return fc.constantFrom(
      soon,
      new Date(Date.now() - hourMs).toISOString(),
      '2026-02-30T00:00:00Z',
      '2016-12-31T23:59:60Z',
      '9999-12-31T23:59:59+23:59',
      '0000-01-01T00:00:00Z',
      'tomorrow',
    )
  }
  if (format === 'uuid') return fc.uuid()
  if (format === 'email') return fc.emailAddress()
  if (pattern !== undefined)
    return fc.constantFrom('a', 'no-such-thing-12345678', '0/16B3748', '12:30')
  const usual = fc.constantFrom('alpha', 'beta', 'feature/one')
  if (!isHostile) return usual
  return fc.oneof(usual, fc.string({ unit: 'grapheme', maxLength: 30 }), oddText)
}
