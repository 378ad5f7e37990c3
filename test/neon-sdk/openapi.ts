import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { raw } from '@neon/sdk'
import { parse } from 'yaml'

import { repository } from '../platform.ts'

/** A schema of the document, as far as answers are checked against it. */
export interface Schema {
  $ref?: string
  type?: string
  nullable?: boolean
  enum?: readonly unknown[]
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  items?: Schema
  additionalProperties?: Schema | boolean
  allOf?: readonly Schema[]
  oneOf?: readonly Schema[]
  anyOf?: readonly Schema[]
}

export interface ApiOperation {
  id: string
  tag: string
  /** Method and path, e.g. `GET /projects/{project_id}`. */
  call: string
  /** Of a successful answer, where the document has one. */
  response: Schema | undefined
}

interface DocumentOperation {
  operationId: string
  tags?: readonly string[]
  responses: Readonly<Record<string, { $ref?: string; content?: Content }>>
}

type Content = Readonly<Record<string, { schema?: Schema }>>

interface Document {
  paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>
  components: {
    schemas: Readonly<Record<string, Schema>>
    responses: Readonly<Record<string, { content?: Content }>>
  }
}

/** Neon's published API: the document that its client is generated from. */
export interface NeonApi {
  /** In the document's order, then what only the newer SDK calls. */
  operations: readonly ApiOperation[]
  /** Where a value is not as the schema says; empty if it is. */
  findMismatches(schema: Schema, value: unknown, path?: string): string[]
}

const file = 'node_modules/@neondatabase/api-client/public-v2-for-users.gen.yaml'
const methods = ['get', 'post', 'put', 'patch', 'delete']

export async function readNeonApi(): Promise<NeonApi> {
  const document = parse(await readFile(join(repository, file), 'utf8')) as Document
  const published = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.includes(method))
      .map(([method, operation]): ApiOperation => {
        return {
          id: operation.operationId,
          tag: operation.tags?.[0] ?? '',
          call: `${method.toUpperCase()} ${path}`,
          response: responseSchema(document, operation),
        }
      }),
  )
  const known = new Set(published.map(({ call }) => call))
  return {
    operations: [...published, ...listSdkOperations().filter(({ call }) => !known.has(call))],
    findMismatches: (schema, value, path = '') => findMismatches(document, schema, value, path),
  }
}

function responseSchema(document: Document, { responses }: DocumentOperation): Schema | undefined {
  const success = Object.entries(responses).find(([status]) => /^2\d\d$/.test(status))?.[1]
  const name = success?.$ref?.split('/').at(-1)
  const { content } =
    name === undefined ? (success ?? {}) : (document.components.responses[name] ?? {})
  return content?.['application/json']?.schema
}

/** Every function of the SDK's raw layer, asked where it would send its request. */
function listSdkOperations(): ApiOperation[] {
  const found: ApiOperation[] = []
  for (const [id, call] of Object.entries(raw as Record<string, unknown>)) {
    if (typeof call !== 'function') continue
    const client = new Proxy(
      {},
      {
        get:
          (_, method) =>
          ({ url }: { url: string }) =>
            found.push({
              id,
              tag: 'SDK',
              call: `${String(method).toUpperCase()} ${url}`,
              response: undefined,
            }),
      },
    )
    call({ client })
  }
  return found
}

function findMismatches(
  document: Document,
  schema: Schema,
  value: unknown,
  path: string,
): string[] {
  const check = (inner: Schema, part: unknown, name: string): string[] =>
    findMismatches(document, inner, part, name)
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    const target = document.components.schemas[name]
    return target === undefined ? [`${path}: no schema ${name}`] : check(target, value, path)
  }
  if (value === null) return schema.nullable ? [] : [`${path} is null`]
  const choices = schema.oneOf ?? schema.anyOf
  if (choices !== undefined) {
    const failures = choices.map((choice) => check(choice, value, path))
    if (failures.every((failure) => failure.length > 0)) return failures[0] ?? []
  }
  const found = (schema.allOf ?? []).flatMap((part) => check(part, value, path))
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    found.push(`${path} is ${JSON.stringify(value)}, not one of ${schema.enum.join(', ')}`)
  }
  if (schema.type !== undefined && !isOfType(schema.type, value)) {
    return [...found, `${path} is no ${schema.type}: ${JSON.stringify(value)}`]
  }
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined
      ? found
      : [...found, ...value.flatMap((item, index) => check(items, item, `${path}[${index}]`))]
  }
  if (typeof value !== 'object') return found
  const properties = value as Record<string, unknown>
  for (const name of schema.required ?? []) {
    if (properties[name] === undefined) found.push(`${path}.${name} is missing`)
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (properties[name] !== undefined) {
      found.push(...check(property, properties[name], `${path}.${name}`))
    }
  }
  return found
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && !Array.isArray(value)
    default:
      return typeof value === type
  }
}
