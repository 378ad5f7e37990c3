import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** What `global/pg_control` says of a cluster that is not running. */
export interface ControlFile {
  systemIdentifier: bigint
  state: ClusterState
  /** Where the last checkpoint's record begins. */
  checkpoint: bigint
  /** Where replay after a crash begins. */
  redo: bigint
}

export type ClusterState = (typeof clusterStates)[number]

/** `DBState` of src/include/catalog/pg_control.h, in its order. */
const clusterStates = [
  'starting',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const

/** `PG_CONTROL_VERSION` of 14 to 17, and of 18; the fields read here lie alike in both. */
const knownVersions = [1300, 1800]

/** Offsets in `ControlFileData`, which PostgreSQL writes in the machine's byte order. */
const versionOffset = 8
const stateOffset = 16
const checkpointOffset = 32
const redoOffset = 40
const headBytes = 48

/**
 * Reads the head of `global/pg_control`: microseconds, where `pg_controldata` costs an exec and is not
 * part of every installation. Rejects for a layout that it does not know.
 */
export async function readControlFile(dataDirectory: string): Promise<ControlFile> {
  const head = Buffer.alloc(headBytes)
  const file = await open(join(dataDirectory, 'global', 'pg_control'), 'r')
  try {
    const { bytesRead } = await file.read(head, 0, headBytes, 0)
    if (bytesRead < headBytes) throw new Error(`${dataDirectory}/global/pg_control is cut short`)
  } finally {
    await file.close()
  }
  const version = head.readUInt32LE(versionOffset)
  const state = clusterStates[head.readUInt32LE(stateOffset)]
  if (!knownVersions.includes(version) || state === undefined) {
    throw new Error(`${dataDirectory}/global/pg_control has an unknown layout (${version})`)
  }
  return {
    systemIdentifier: head.readBigUInt64LE(0),
    state,
    checkpoint: head.readBigUInt64LE(checkpointOffset),
    redo: head.readBigUInt64LE(redoOffset),
  }
}
