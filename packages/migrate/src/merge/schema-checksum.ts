import { createHash } from 'node:crypto'

import type { Schema } from './schema-object.ts'

/** SHA-256 of a schema, in hexadecimal: the same for two that have the same objects. */
export function checksumOfSchema(schema: Schema): string {
  const objects = [...schema].map(([id, { definition }]) => [id, definition])
  const sorted = objects.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
}
