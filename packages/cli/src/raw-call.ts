import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

import { apiBasePath } from '@coppice/api/client'

import type { ApiTarget } from './api-target.ts'
import { explain } from './api.ts'
import { CliError } from './errors.ts'
import { errnoOf } from './platform.ts'
import { readVersion } from './version.ts'

/** A call as it is typed: `key=value` and `name:value` pairs, and a path below the API's. */
export interface RawCall {
  path: string
  method: string | undefined
  fields: readonly string[]
  rawFields: readonly string[]
  query: readonly string[]
  headers: readonly string[]
  /** JSON, `@file` or `-`; goes before the fields. */
  data: string | undefined
}

export interface RawAnswer {
  status: number
  statusText: string
  headers: Headers
  /** Parsed where it is JSON, else text. */
  body: unknown
}

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const timeoutMs = 60_000

/** Sends it; answers of every status are answers. */
export async function send(target: ApiTarget, call: RawCall, cwd: string): Promise<RawAnswer> {
  const body = await bodyOf(call, cwd)
  const url = new URL(target.baseUrl + checkPath(call.path))
  for (const [key, value] of pairsOf(call.query, '=')) url.searchParams.append(key, value)
  const request = {
    method: call.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${target.apiKey}`,
      accept: 'application/json',
      'user-agent': `coppice/${readVersion()}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...Object.fromEntries(pairsOf(call.headers, ':')),
    },
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(timeoutMs),
  }
  try {
    const { status, statusText, headers, ...response } = await fetchText(url, request)
    return { status, statusText, headers, body: parseIfJson(response.text) }
  } catch (error) {
    throw explain(error, target)
  }
}

async function fetchText(
  url: URL,
  request: RequestInit,
): Promise<Pick<Response, 'status' | 'statusText' | 'headers'> & { text: string }> {
  const response = await fetch(url, request)
  const { status, statusText, headers } = response
  return { status, statusText, headers, text: await response.text() }
}

/** The path of a route; with the API's base path or without. */
export function checkPath(path: string): string {
  if (!path.startsWith('/')) {
    throw new CliError(`The path of a route begins with a slash: /${path}`, {
      advice: '`coppice api --list` shows the routes.',
    })
  }
  return path.startsWith(`${apiBasePath}/`) ? path.slice(apiBasePath.length) : path
}

async function bodyOf(call: RawCall, cwd: string): Promise<string | undefined> {
  if (call.data !== undefined) return readData(call.data, cwd)
  const typed = pairsOf(call.fields, '=').map(([key, value]) => [key, typedValue(value)] as const)
  const fields = [...typed, ...pairsOf(call.rawFields, '=')]
  if (fields.length === 0) return undefined
  const body: Record<string, unknown> = {}
  for (const [key, value] of fields) setDeep(body, key.split('.'), value)
  return JSON.stringify(body)
}

async function readData(data: string, cwd: string): Promise<string> {
  if (data === '-') return text(process.stdin)
  if (!data.startsWith('@')) return data
  const path = resolve(cwd, data.slice(1))
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError(`Cannot read ${path} (${errnoOf(error) ?? 'error'}).`, { cause: error })
  }
}

function pairsOf(pairs: readonly string[], sign: '=' | ':'): Array<[string, string]> {
  return pairs.map((pair) => {
    const at = pair.indexOf(sign)
    // Headers trim themselves; a field may begin with a space.
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)]
    throw new CliError(`${pair} should be a name and a value: name${sign}value.`)
  })
}

/** `true`, `12`, `null`, `[…]` and `{…}` mean what they mean in JSON, everything else is text. */
function typedValue(value: string): unknown {
  return /^(?:true|false|null|-?\d+(?:\.\d+)?|[[{].*)$/s.test(value) ? parseIfJson(value) : value
}

/** `branch.name` is a field of an object `branch`. Names that JavaScript has a use for are refused. */
function setDeep(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path
  if (name === '' || name in Object.prototype) {
    throw new CliError(`${name || 'Nothing'} cannot be the name of a field.`)
  }
  if (rest.length === 0) {
    Object.assign(target, { [name]: value })
    return
  }
  const before = target[name]
  const isObject = typeof before === 'object' && before !== null && !Array.isArray(before)
  const inner = { ...(isObject && before) }
  setDeep(inner, rest, value)
  Object.assign(target, { [name]: inner })
}

function parseIfJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    // Not JSON: text is what it is.
    return value
  }
}
