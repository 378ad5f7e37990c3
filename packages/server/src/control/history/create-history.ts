import { join } from 'node:path'

import type { ComputeHost } from '../../compute/host.ts'
import { createDirectoryWalStore } from '../../history/directory-wal-store.ts'
import type { RemoteWalStore } from '../../history/s3-wal-store.ts'
import { WalArchiver, type WalSource } from '../../history/wal-archiver.ts'
import { WalSpool } from '../../history/wal-spool.ts'
import type { Logger } from '../../lib/log.ts'
import type { History } from '../context.ts'

interface HistoryOptions {
  /** The pool's directory: what is kept of the WAL lies beside the volumes, so that it can be cloned. */
  poolDirectory: string
  /** Where WAL goes from there, if it does. */
  remote?: RemoteWalStore | undefined
  replayDirectory: string
  socketDirectory: string
  host: ComputeHost
  log: Logger
}

/** In a pool: WAL lies beside the volumes. */
export const walDirectory = (poolDirectory: string): string => join(poolDirectory, 'wal')

/** Starts nothing: the archiver and the spool are services of their own. */
export function createHistory(options: HistoryOptions): History {
  const { host, log, remote } = options
  const root = walDirectory(options.poolDirectory)
  const spool = remote && new WalSpool({ root, remote, log })
  const wal = spool ?? createDirectoryWalStore(root)
  return {
    wal,
    spool,
    archiver: new WalArchiver({ store: wal, sources: () => activeLines(host), log }),
    replayDirectory: options.replayDirectory,
    socketDirectory: options.socketDirectory,
  }
}

/** Of the computes that write to a line and are awake. */
function activeLines(host: ComputeHost): WalSource[] {
  return host.list().flatMap(({ spec, state }) => {
    const { historyLine: line, dataDirectory } = spec
    return line === '' || state !== 'active' ? [] : [walSource(host, line, dataDirectory)]
  })
}

/**
 * A line as whichever compute writes to it at the time: a branch gives its line to another when it is
 * restored.
 */
export function walSource(host: ComputeHost, line: string, dataDirectory: string): WalSource {
  return {
    line,
    dataDirectory,
    look: async (work) => {
      const writer = host
        .list()
        .find(({ spec }) => spec.dataDirectory === dataDirectory && !spec.isStandby)
      return writer?.peek(work)
    },
  }
}
