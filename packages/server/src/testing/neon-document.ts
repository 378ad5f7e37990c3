import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { apiBasePath, errors } from '@coppice/api'
import { Ajv } from 'ajv'
import ajvFormats from 'ajv-formats'
import { parse } from 'yaml'

import type { Schema } from './generate-requests.ts'

/**
 * Neon's published OpenAPI document, as its own client ships it, and whether an answer is what it says.
 * The document is of OpenAPI 3.0, whose schemas are JSON Schema but for `nullable`.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export interface NeonOperation {
  operationId: string
  method: string
  /** Below the base path, with `{name}` parameters. */
  path: string
  /** Statuses of success that are documented. */
  statuses: number[]
  /** In the path and in the query. */
  parameters: NeonParameter[]
  /** Undefined where it takes none. */
  body: Schema | undefined
}

export interface NeonParameter {
  name: string
  in: string
  required?: boolean
  schema: Schema
}

export interface Answer {
  method: string
  /** With the base path; a query is passed over. */
  url: string
  status: number
  body: string
}

const documentPath = createRequire(import.meta.url).resolve(
  '@neondatabase/api-client/public-v2-for-users.gen.yaml',
)
const neon = widen(parse(readFileSync(documentPath, 'utf8')) as Json) as unknown as NeonDocument

type Reference<T> = T | { $ref: string }

interface NeonMethod {
  operationId: string
  parameters?: Reference<NeonParameter>[]
  /** Some take a form instead. */
  requestBody?: { content: { 'application/json'?: { schema: Schema } } }
  responses: Record<string, Json>
}

interface NeonDocument {
  paths: Record<string, Record<string, NeonMethod> & { parameters?: Reference<NeonParameter>[] }>
  components: { schemas: Record<string, Schema> }
}

// Ours beside Neon's: a pool may be in another mode than the one that Neon has.
neon.components.schemas['EndpointPoolerMode'] = {
  type: 'string',
  enum: ['transaction', 'session', 'statement'],
}

const ajv = new Ajv({ strict: false, validateSchema: false, allErrors: true })
ajvFormats.default(ajv)
for (const format of ['int', 'int32', 'int64', 'uint64']) ajv.addFormat(format, true)
ajv.addSchema(neon, 'neon')

/** Every operation of the document. */
export const neonOperations: readonly NeonOperation[] = Object.entries(neon.paths).flatMap(
  ([path, { parameters: shared = [], ...methods }]) =>
    Object.entries(methods).map(([method, { operationId, ...details }]) => ({
      operationId,
      method: method.toUpperCase(),
      path,
      statuses: Object.keys(details.responses)
        .map(Number)
        .filter((status) => status < 300),
      parameters: [...shared, ...(details.parameters ?? [])].map((parameter) =>
        '$ref' in parameter ? resolveReference<NeonParameter>(parameter.$ref) : parameter,
      ),
      body: details.requestBody?.content['application/json']?.schema,
    })),
)

/** What a `$ref` of the document is to. */
export function resolveReference<T = Schema>(reference: string): T {
  const parts = reference.replace('#/', '').split('/')
  return parts.reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], neon) as T
}

/** The operation that a request is for, where the document has one. */
export const findNeonOperation = (method: string, url: string): NeonOperation | undefined =>
  findByUrl(neonOperations, method, url)

/** The one of many that a request is for; literal paths go before parameters. */
export function findByUrl<T extends { method: string; path: string }>(
  all: readonly T[],
  method: string,
  url: string,
): T | undefined {
  const path = url.split('?', 1)[0]?.slice(apiBasePath.length) ?? ''
  return all
    .filter((one) => one.method === method && matches(one.path, path))
    .toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)
    .at(0)
}

function matches(template: string, path: string): boolean {
  const [wanted, given] = [template.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith('{') ? given[at] !== '' : part === given[at]))
  )
}

/** What is wrong with an answer, in a line each; nothing where it is as documented, or of a route that is not. */
export function problemsOf(answer: Answer): string[] {
  if (answer.status >= 300) return problemsOfError(answer)
  const operation = findNeonOperation(answer.method, answer.url)
  if (operation === undefined) return []
  if (!operation.statuses.includes(answer.status)) {
    return [`status ${answer.status} is none of ${operation.statuses.join(', ')}`]
  }
  if (answer.status === 204) return answer.body === '' ? [] : ['204 has a body']
  return problemsOfBody(operation, answer.status, JSON.parse(answer.body))
}

const responses = new Map<string, object>()

export function problemsOfBody(operation: NeonOperation, status: number, body: unknown): string[] {
  const reference = schemaOf(operation, status)
  const schema = responses.get(reference) ?? { $ref: reference }
  // Ajv compiles an object that it has seen only once.
  responses.set(reference, schema)
  return problemsOfValue(schema, body)
}

/** What is wrong with a value, by a schema that the document names. */
export const problemsOfNamed = (name: string, value: unknown): string[] =>
  problemsOfValue({ $ref: `neon#/components/schemas/${name}` }, value)

/** What a schema says against a value. */
export function problemsOfValue(schema: object, value: unknown): string[] {
  const validate = ajv.compile(schema)
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${instancePath || 'body'} ${message ?? ''} ${JSON.stringify(params)}`,
  )
}

/** The place of a response's schema in the document, as a JSON pointer. */
function schemaOf(operation: NeonOperation, status: number): string {
  const found = neon.paths[operation.path]?.[operation.method.toLowerCase()]?.responses[status]
  const shared = (found as { $ref?: string }).$ref
  const response =
    shared ??
    `#/paths/${pointer(operation.path)}/${operation.method.toLowerCase()}/responses/${status}`
  return `neon${response}/content/application~1json/schema`
}

const pointer = (part: string): string =>
  encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))

const knownErrors = new Map(Object.entries(errors).map(([code, { status }]) => [code, status]))
// Of a route that does not exist: Neon's code is empty.
knownErrors.set('', 404)

/** Every error answer has Neon's shape, and a code of our table with that code's status. */
function problemsOfError({ status, body }: Answer): string[] {
  const { request_id, code, message } = JSON.parse(body) as Record<string, unknown>
  const problems: string[] = []
  if (typeof request_id !== 'string' || request_id === '') problems.push('no request_id')
  if (typeof message !== 'string' || message === '') problems.push('no message')
  if (knownErrors.get(String(code)) !== status) problems.push(`${status} with code ${String(code)}`)
  return problems
}

/** `nullable: true` of OpenAPI 3.0 as JSON Schema says it. */
function widen(node: Json): Json {
  if (Array.isArray(node)) return node.map(widen)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, widen(value)]))
  if (copy['nullable'] !== true || typeof copy['type'] !== 'string') return copy
  return { ...copy, type: [copy['type'], 'null'] }
}
