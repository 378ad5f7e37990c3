import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

import { Ajv } from 'ajv'
import ajvFormats from 'ajv-formats'
import { parse } from 'yaml'

/** What is wrong with a value, by a schema of Neon's published document; empty where nothing is. */
export type NeonCheck = (schema: string, value: unknown) => string

/** Reads the document that comes with Neon's own client. */
export async function loadNeonCheck(): Promise<NeonCheck> {
  const file = '@neondatabase/api-client/public-v2-for-users.gen.yaml'
  const path = createRequire(import.meta.url).resolve(file)
  const document: unknown = parse(await readFile(path, 'utf8'), { maxAliasCount: -1 })
  const ajv = new Ajv({ strict: false, allErrors: true })
  ajvFormats.default(ajv)
  for (const format of ['int64', 'uint64', 'int32']) ajv.addFormat(format, true)
  ajv.addSchema(Object(document), 'neon')
  return (schema, value) => {
    const validate = ajv.compile({ $ref: `neon#/components/schemas/${schema}` })
    return validate(value) ? '' : ajv.errorsText(validate.errors)
  }
}
