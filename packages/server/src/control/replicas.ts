import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { superuserName } from '../compute/access-files.ts'
import type { Compute } from '../compute/compute.ts'
import { freshCloneSignal } from '../compute/fresh-clone.ts'
import { socketDirectory } from '../compute/host.ts'
import { postgresPort } from '../compute/settings.ts'
import type { ComputeSpec } from '../compute/spec.ts'
import { giveTo } from '../lib/files.ts'
import { pastEndpointPrefix } from '../lib/ids.ts'
import { cloneVolume } from './clone-volume.ts'
import type { Context } from './context.ts'
import { unpackVolume } from './packed-volume.ts'
import { findAnyBranch } from './store/branches.ts'
import { volumeDataDirectory, volumeOfDataDirectory } from './volumes.ts'

/**
 * Read replicas: `read_only` endpoints.
 *
 * A replica is a standby on a clone of its branch's volume, made anew at every start, which costs what a
 * branch costs: so one that has slept for a week has nothing to catch up with. While it is awake it
 * streams from the branch's compute over that one's private socket. It keeps nobody awake: where the
 * branch's compute sleeps, there is nothing to stream.
 */
export async function prepareReplica(context: Context, spec: ComputeSpec): Promise<void> {
  if (!spec.isStandby || spec.endpointId.startsWith(pastEndpointPrefix)) return
  const writer = context.host.get(spec.follows)
  const { endpointId } = spec
  const volumeId = await volumeToFollow(context, spec, writer)
  await context.volumes.destroy(endpointId)
  await unpackVolume(context, volumeId)
  await cloneVolume(context, { volumeId, compute: writer }, endpointId)
  const dataDirectory = volumeDataDirectory(context.volumes, endpointId)
  const primary = writer && socketDirectory(context.history.socketDirectory, spec.follows)
  const settings = primary === undefined ? '' : followSettings(primary, endpointId)
  for (const [name, content] of [
    [freshCloneSignal, ''],
    ['postgresql.auto.conf', settings],
  ] as const) {
    const path = join(dataDirectory, name)
    await writeFile(path, content, { mode: 0o600 })
    await giveTo(path, context.databaseUser)
  }
}

/** The writer tells, while the store may be down; a branch without one is asked for there. */
async function volumeToFollow(
  context: Context,
  spec: ComputeSpec,
  writer: Compute | undefined,
): Promise<string> {
  if (writer !== undefined) return volumeOfDataDirectory(writer.spec.dataDirectory)
  const branch = await findAnyBranch(context.store, spec.labels['branch_id'] ?? '')
  if (branch === undefined) throw new Error('the branch of a replica has no row')
  return branch.volume_id
}

function followSettings(primary: string, endpointId: string): string {
  const quote = (value: string) => `'${value.replaceAll(/['\\]/g, String.raw`\$&`)}'`
  const conninfo = `host=${quote(primary)} port=${postgresPort} user=${superuserName} application_name=${endpointId}`
  return `primary_conninfo = '${conninfo.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`
}

/**
 * Ends replicas that have lost their place, since the WAL that they would need is gone; the next client
 * finds a new clone. Two looks in a row have to agree: a writer that has just woken is found within seconds.
 */
export function createReplicaRefresher() {
  const notStreaming = new Set<string>()
  return async function refreshReplicas(context: Context): Promise<void> {
    for (const compute of context.host.list()) {
      const { endpointId, follows } = compute.spec
      if (follows === '' || compute.state !== 'active') continue
      const isWriterAwake = context.host.get(follows)?.state === 'active'
      const receivers = await compute.peek(async (sql) => sql`select from pg_stat_wal_receiver`)
      if (!isWriterAwake || receivers === undefined || receivers.length > 0) {
        notStreaming.delete(endpointId)
      } else if (notStreaming.delete(endpointId)) {
        context.log.warn({ endpoint_id: endpointId }, 'a replica has lost its place: made anew')
        await compute.suspend({ force: true })
      } else notStreaming.add(endpointId)
    }
  }
}
