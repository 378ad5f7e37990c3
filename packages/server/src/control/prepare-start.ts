import type { ComputeSpec } from '../compute/spec.ts'
import type { Context } from './context.ts'
import { unpackVolume } from './packed-volume.ts'
import { prepareReplica } from './replicas.ts'
import { volumeOfDataDirectory } from './volumes.ts'

/** What a compute's data needs before PostgreSQL is started on it. */
export async function prepareStart(context: Context, spec: ComputeSpec): Promise<void> {
  if (spec.isStandby) await prepareReplica(context, spec)
  else await unpackVolume(context, volumeOfDataDirectory(spec.dataDirectory))
}
