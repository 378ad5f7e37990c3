import type { Snapshot } from '@coppice/api'

import type { Scope } from './context.ts'
import { CliError } from './errors.ts'

/** A snapshot by id, by a name that only it has, or by slug, in this order as in Neon's CLI. */
export async function findSnapshot(
  { client, projectId }: Scope,
  reference: string,
): Promise<Snapshot> {
  const { snapshots } = await client.listSnapshots({ path: { project_id: projectId } })
  const byId = snapshots.find((snapshot) => snapshot.id === reference)
  if (byId) return byId
  const [byName, another] = snapshots.filter((snapshot) => snapshot.name === reference)
  if (another) throw ambiguous(snapshots, reference)
  const found = byName ?? snapshots.find((snapshot) => snapshot.slug === reference)
  if (found) return found
  throw new CliError(`There is no snapshot ${reference}.`, {
    advice:
      snapshots.length === 0
        ? 'There are none in this project: make one with `coppice snapshots create`.'
        : '`coppice snapshots list` shows which there are.',
  })
}

function ambiguous(snapshots: readonly Snapshot[], name: string): CliError {
  const ids = snapshots.filter((one) => one.name === name).map((one) => `  ${one.id}`)
  return new CliError(`Several snapshots are called ${name}.`, {
    advice: `Name one by its id:\n${ids.join('\n')}`,
  })
}
