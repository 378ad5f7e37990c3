/**
 * Values for clients that do not parse PostgreSQL's texts themselves (without
 * `Neon-Raw-Text-Output`): JSON where it says the same exactly, else the text.
 */
import { arrayToJson } from '../../lib/array-literal.ts'

/** JSON text of a value's text. */
export type ToJson = (text: string) => string

/** `pg_type.oid`, of types that are built in. */
const oids = {
  bool: 16,
  int2: 21,
  int4: 23,
  json: 114,
  float4: 700,
  float8: 701,
  jsonb: 3802,
} as const

const asString: ToJson = (text) => JSON.stringify(text)
const asBoolean: ToJson = (text) => (text === 't' ? 'true' : 'false')
/** Numbers as PostgreSQL writes them are JSON's, and so are its JSON values: digits stay as they are. */
const asItIs: ToJson = (text) => text
/** NaN and the infinities are no numbers in JSON. */
const asFloat: ToJson = (text) => (/^-?\d/.test(text) ? text : asString(text))

const scalars = new Map<number, ToJson>([
  [oids.bool, asBoolean],
  [oids.int2, asItIs],
  [oids.int4, asItIs],
  [oids.json, asItIs],
  [oids.float4, asFloat],
  [oids.float8, asFloat],
  [oids.jsonb, asItIs],
])

/** Arrays of the types above. */
const arrays = new Map<number, ToJson>([
  [199, asItIs],
  [1000, asBoolean],
  [1005, asItIs],
  [1007, asItIs],
  [1021, asFloat],
  [1022, asFloat],
  [3807, asItIs],
])

/** Arrays of the other types that are built in, whose elements stay texts. */
const stringArrays = new Set([
  143, 271, 629, 651, 719, 775, 791, 1001, 1002, 1003, 1006, 1008, 1009, 1010, 1011, 1012, 1013,
  1014, 1015, 1016, 1017, 1018, 1019, 1027, 1028, 1034, 1040, 1041, 1115, 1182, 1183, 1185, 1187,
  1231, 1263, 1270, 1561, 1563, 2201, 2207, 2208, 2209, 2210, 2211, 2949, 2951, 3221, 3643, 3644,
  3645, 3735, 3770, 3905, 3907, 3909, 3911, 3913, 3927, 4073, 4090, 4097, 4192, 5039, 6150, 6151,
  6152, 6153, 6155, 6157,
])
/** The one type whose values have commas that are not quoted. */
const boxArray = 1020

/** How values of a type become JSON. Types of users' own, their arrays too, stay texts. */
export function jsonOfType(oid: number): ToJson {
  const scalar = scalars.get(oid)
  if (scalar !== undefined) return scalar
  const element =
    arrays.get(oid) ?? (stringArrays.has(oid) || oid === boxArray ? asString : undefined)
  if (element === undefined) return asString
  const delimiter = oid === boxArray ? ';' : ','
  return (text) => arrayToJson(text, element, delimiter)
}

export { asString as rawText }
