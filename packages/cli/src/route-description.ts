import { type Route, routes } from '@coppice/api'

/** A route as `api --list` shows it, in the words of OpenAPI. */
export interface ListedRoute {
  method: string
  path: string
  summary: string
}

/** A field that a route takes; those of a body by dotted names, as `--field` takes them. */
export interface RouteField {
  in: 'path' | 'query' | 'body'
  name: string
  required: boolean
  type: string
}

export interface DescribedRoute {
  endpoint: ListedRoute & { operationId: string; bodyRequired: boolean }
  parameters: RouteField[]
}

/** What is read of a JSON Schema here. */
interface Schema {
  type?: string
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
}

/** Every route of the contract, by path. */
export function listRoutes(): ListedRoute[] {
  return Object.values<Route>(routes)
    .map(listed)
    .toSorted((a, b) => compare(`${a.path} ${a.method}`, `${b.path} ${b.method}`))
}

/** The route that a path, with its parameters or with values for them, leads to. */
export function describeRoute(method: string, path: string): DescribedRoute | undefined {
  const found = Object.entries<Route>(routes)
    .filter(([, route]) => route.method === method && matches(route.url, path))
    // `/projects/shared` goes before `/projects/:project_id`.
    .toSorted(([, a], [, b]) => parameterCount(a) - parameterCount(b))[0]
  if (!found) return undefined
  const [operationId, route] = found
  return {
    endpoint: { ...listed(route), operationId, bodyRequired: isBodyRequired(route) },
    parameters: [
      ...fieldsOf('path', route.path as Schema | undefined),
      ...fieldsOf('query', route.query as Schema | undefined),
      ...fieldsOf('body', withoutNull(route.body as Schema | undefined)),
    ],
  }
}

function listed({ method, url, summary }: Route): ListedRoute {
  return { method, path: url.replaceAll(/:(\w+)/g, '{$1}'), summary }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1
}

function parameterCount({ url }: Route): number {
  return url.split(':').length
}

function matches(url: string, path: string): boolean {
  const [wanted, given] = [url.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => part.startsWith(':') || part === given[at])
  )
}

function isBodyRequired({ body }: Route): boolean {
  const schema = body as Schema | undefined
  return schema !== undefined && !schema.anyOf?.some((one) => one.type === 'null')
}

function withoutNull(schema: Schema | undefined): Schema | undefined {
  const others = schema?.anyOf?.filter((one) => one.type !== 'null')
  return others?.length === 1 ? others[0] : schema
}

function fieldsOf(place: RouteField['in'], schema: Schema | undefined, prefix = ''): RouteField[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, property]) => {
    const inner = withoutNull(property)
    const required = schema?.required?.includes(name) ?? false
    if (inner?.properties) {
      const fields = fieldsOf(place, inner, `${prefix}${name}.`)
      return required ? fields : fields.map((field) => ({ ...field, required: false }))
    }
    return [{ in: place, name: prefix + name, required, type: typeOf(property) }]
  })
}

/** `string`, `string (sql, json)`, `array of string`. */
function typeOf(schema: Schema): string {
  const inner = withoutNull(schema) ?? schema
  if (inner.anyOf?.every((one) => one.const !== undefined)) {
    return `string (${inner.anyOf.map((one) => String(one.const)).join(', ')})`
  }
  if (inner.type === 'array') return `array of ${inner.items ? typeOf(inner.items) : 'anything'}`
  return inner.type ?? 'anything'
}
