import type { Sql, TransactionSql } from '@coppice/migrate/database'
import type { SchemaElement } from 'hyparquet'

import type { TableDefinition } from './definition.ts'

/** How a column is held in Parquet; `text` is PostgreSQL's own of whichever type. */
export type ParquetKind =
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'float'
  | 'double'
  | 'decimal'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'bytes'
  | 'json'
  | 'text'

export interface ParquetColumn {
  name: string
  sql_type: string
  kind: ParquetKind
  /** Of a decimal. */
  precision?: number
  scale?: number
}

/** As Parquet stores them, before any reader makes dates and the like of them. */
export type Physical = boolean | number | bigint | Uint8Array

interface Conversion {
  element: Omit<SchemaElement, 'name'>
  /** From PostgreSQL's text. */
  toPhysical: (text: Uint8Array) => Physical
  toText: (value: Physical) => Uint8Array
}

/** What an INT64 holds for sure. */
const decimalDigits = 18
const dayMs = 86_400_000
const microsPerMs = 1000n

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const asIs = { toPhysical: (text: Uint8Array) => text, toText: (value: Physical) => bytes(value) }
const whole = { toPhysical: (text: Uint8Array) => Number(textOf(text)), toText: printed }
/** Shortest digits that give the same number again, here and in PostgreSQL. */
const floating = {
  toPhysical: (text: Uint8Array) => Number(textOf(text)),
  toText: (value: Physical) => (Object.is(value, -0) ? bytesOf('-0') : printed(value)),
}

/** How the values of a column are written and read. */
export function conversionOf({ kind, precision = 0, scale = 0 }: ParquetColumn): Conversion {
  switch (kind) {
    case 'boolean':
      return {
        element: { type: 'BOOLEAN' },
        toPhysical: (text) => textOf(text) === 't',
        toText: (value) => bytesOf(value === true ? 't' : 'f'),
      }
    case 'int32':
      return { element: { type: 'INT32' }, ...whole }
    case 'int64':
      return {
        element: { type: 'INT64' },
        toPhysical: (text) => BigInt(textOf(text)),
        toText: printed,
      }
    case 'float':
      return { element: { type: 'FLOAT' }, ...floating }
    case 'double':
      return { element: { type: 'DOUBLE' }, ...floating }
    case 'decimal':
      return {
        element: {
          type: 'INT64',
          converted_type: 'DECIMAL',
          logical_type: { type: 'DECIMAL', precision, scale },
          precision,
          scale,
        },
        toPhysical: (text) => BigInt(textOf(text).replace('.', '')),
        toText: (value) => bytesOf(decimalText(BigInt(String(value)), scale)),
      }
    case 'date':
      return {
        element: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
        toPhysical: (text) => Date.parse(textOf(text)) / dayMs,
        toText: (value) => bytesOf(new Date(Number(value) * dayMs).toISOString().slice(0, 10)),
      }
    case 'timestamp':
    case 'timestamptz':
      return {
        element: {
          type: 'INT64',
          logical_type: {
            type: 'TIMESTAMP',
            isAdjustedToUTC: kind === 'timestamptz',
            unit: 'MICROS',
          },
        },
        toPhysical: (text) => microsOf(textOf(text)),
        toText: (value) => bytesOf(timestampText(BigInt(String(value)), kind)),
      }
    case 'uuid':
      return {
        element: {
          type: 'FIXED_LEN_BYTE_ARRAY',
          type_length: 16,
          logical_type: { type: 'UUID' },
        },
        toPhysical: (text) => Buffer.from(textOf(text).replaceAll('-', ''), 'hex'),
        toText: (value) =>
          bytesOf(hexOf(value).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')),
      }
    case 'bytes':
      return {
        element: { type: 'BYTE_ARRAY' },
        toPhysical: (text) => Buffer.from(textOf(text.subarray(2)), 'hex'),
        toText: (value) => bytesOf(`\\x${hexOf(value)}`),
      }
    case 'json':
      return { element: { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } }, ...asIs }
    case 'text':
      return {
        element: {
          type: 'BYTE_ARRAY',
          converted_type: 'UTF8',
          logical_type: { type: 'STRING' },
        },
        ...asIs,
      }
  }
}

function bytes(value: Physical): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new Error('a column of bytes holds something else')
}

function printed(value: Physical): Uint8Array {
  return bytesOf(String(value))
}

function hexOf(value: Physical): string {
  return Buffer.from(bytes(value)).toString('hex')
}

function decimalText(value: bigint, scale: number): string {
  const sign = value < 0n ? '-' : ''
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const end = digits.length - scale
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, end)}.${digits.slice(end)}`
}

/** `2024-01-31 12:00:00.123456+00`: the session's zone is UTC. */
function microsOf(text: string): bigint {
  const fraction = text.slice(20).replace(/\+00$/, '').padEnd(6, '0').slice(0, 6)
  const ms = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`)
  return BigInt(ms) * microsPerMs + BigInt(fraction)
}

function timestampText(micros: bigint, kind: 'timestamp' | 'timestamptz'): string {
  const second = 1_000_000n
  const fraction = ((micros % second) + second) % second
  const iso = new Date(Number((micros - fraction) / microsPerMs)).toISOString()
  const zone = kind === 'timestamptz' ? '+00' : ''
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${String(fraction).padStart(6, '0')}${zone}`
}

interface Attribute {
  name: string
  quoted: string
  sql_type: string
  base: string
  typmod: string
}

const kindByType: Record<string, ParquetKind | undefined> = {
  bool: 'boolean',
  int2: 'int32',
  int4: 'int32',
  int8: 'int64',
  float4: 'float',
  float8: 'double',
  numeric: 'decimal',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  uuid: 'uuid',
  bytea: 'bytes',
  json: 'json',
  jsonb: 'json',
}

/** What of a column's values its kind cannot hold, or what readers of Parquet cannot. */
const conditionByKind: Partial<Record<ParquetKind, string>> = {
  decimal: "<> 'NaN'",
  date: "between '0001-01-01' and '9999-12-31'",
  timestamp: "between '0001-01-01 00:00:00' and '9999-12-31 23:59:59.999999'",
  timestamptz: "between '0001-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'",
}

/**
 * The columns that are stored, and how. A column whose values do not all fit its type of Parquet
 * (infinity, NaN, years before Christ) is text, as are types that Parquet has not.
 */
export async function readParquetColumns(
  sql: Sql | TransactionSql,
  { qualified_name, columns }: TableDefinition,
): Promise<ParquetColumn[]> {
  const attributes = await sql<Attribute[]>`
    select a.attname::text as name, quote_ident(a.attname) as quoted,
      format_type(a.atttypid, a.atttypmod) as sql_type,
      case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname::text else '' end as base,
      a.atttypmod::text as typmod
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = ${qualified_name}::text::regclass and a.attnum > 0 and not a.attisdropped`
  const found = columns.flatMap((quoted) => attributes.filter((one) => one.quoted === quoted))
  const wanted = found.map(columnOf)
  const conditions = found.flatMap(({ quoted }, at) => {
    const condition = conditionByKind[wanted[at]?.kind ?? 'text']
    return condition === undefined
      ? []
      : [`coalesce(bool_and(${quoted} ${condition}), true)::text as c${at}`]
  })
  if (conditions.length === 0) return wanted
  const [fits] = await sql.unsafe<Array<Record<string, string>>>(
    `select ${conditions.join(', ')} from only ${qualified_name}`,
  )
  return wanted.map((column, at) => (fits?.[`c${at}`] === 'false' ? asText(column) : column))
}

function asText({ name, sql_type }: ParquetColumn): ParquetColumn {
  return { name, sql_type, kind: 'text' }
}

function columnOf({ name, sql_type, base, typmod }: Attribute): ParquetColumn {
  const kind = kindByType[base] ?? 'text'
  if (kind !== 'decimal') return { name, sql_type, kind }
  // As numeric.h packs them; the scale may be negative.
  const packed = Number(typmod) - 4
  const precision = (packed >> 16) & 0xffff
  const scale = ((packed & 0x7ff) ^ 1024) - 1024
  const fits = packed >= 0 && precision <= decimalDigits && scale >= 0 && scale <= precision
  return { name, sql_type, kind: fits ? 'decimal' : 'text', ...(fits && { precision, scale }) }
}
