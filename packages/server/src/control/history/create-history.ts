import { join } from 'node:path'

import type { ComputeHost } from '../../compute/host.ts'
import { createDirectoryWalStore } from '../../history/directory-wal-store.ts'
import { WalArchiver, type WalSource } from '../../history/wal-archiver.ts'
import type { Logger } from '../../lib/log.ts'
import type { History } from '../context.ts'

interface HistoryOptions {
  /** The pool's directory: what is kept of the WAL lies beside the volumes, so that it can be cloned. */
  poolDirectory: string
  replayDirectory: string
  socketDirectory: string
  host: ComputeHost
  log: Logger
}

/** Starts nothing: the archiver is a service of its own. */
export function createHistory(options: HistoryOptions): History {
  const { host, log } = options
  const wal = createDirectoryWalStore(join(options.poolDirectory, 'wal'))
  return {
    wal,
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
