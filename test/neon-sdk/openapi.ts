import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { raw } from '@neon/sdk'
import { parse } from 'yaml'

import { repository } from '../platform.ts'

/** An operation of Neon's API. */
export interface ApiOperation {
  id: string
  tag: string
  /** Method and path, e.g. `GET /projects/{project_id}`. */
  call: string
}

interface Document {
  paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>
}

interface DocumentOperation {
  operationId: string
  tags?: readonly string[]
}

const file = 'node_modules/@neondatabase/api-client/public-v2-for-users.gen.yaml'
const methods = ['get', 'post', 'put', 'patch', 'delete']

/** Neon's published document, in its order, then what only the newer SDK calls. */
export async function readNeonOperations(): Promise<ApiOperation[]> {
  const document = parse(await readFile(join(repository, file), 'utf8')) as Document
  const published = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.includes(method))
      .map(([method, { operationId, tags }]) => ({
        id: operationId,
        tag: tags?.[0] ?? '',
        call: `${method.toUpperCase()} ${path}`,
      })),
  )
  const known = new Set(published.map(({ call }) => call))
  return [...published, ...listSdkOperations().filter(({ call }) => !known.has(call))]
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
            found.push({ id, tag: 'SDK', call: `${String(method).toUpperCase()} ${url}` }),
      },
    )
    call({ client })
  }
  return found
}
