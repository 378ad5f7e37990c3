/**
 * Bytes that a gateway process sends after its daemon has died. It leaves them in files, each of which the
 * next daemon counts once. They lie beside the private sockets, which go when the platform stops.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../../lib/errors.ts'
import { writeFileAtomically } from '../../lib/files.ts'

const placeBeside = (directory: string): string => `${directory}-sent`

/** Leaves bytes by endpoint for the next daemon. `directory` is that of the private sockets. */
export async function leaveBytes(
  directory: string,
  bytes: ReadonlyMap<string, number>,
): Promise<void> {
  if (bytes.size === 0) return
  const place = placeBeside(directory)
  await mkdir(place, { recursive: true, mode: 0o700 })
  const text = JSON.stringify(Object.fromEntries(bytes))
  await writeFileAtomically(join(place, `${randomUUID()}.json`), text)
}

/** Counts what was left since the last time. A file goes before it is counted: rather never than twice. */
export async function collectLeftBytes(
  directory: string,
  count: (endpointId: string, bytes: number) => void,
): Promise<void> {
  const place = placeBeside(directory)
  for (const name of await namesIn(place)) {
    const path = join(place, name)
    const text = await readFile(path, 'utf8')
    await rm(path)
    const left: unknown = JSON.parse(text)
    for (const [endpointId, bytes] of Object.entries(left ?? {})) {
      if (typeof bytes === 'number') count(endpointId, bytes)
    }
  }
}

async function namesIn(place: string): Promise<string[]> {
  try {
    return (await readdir(place)).filter((name) => name.endsWith('.json'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}
